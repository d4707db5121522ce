"""Names of tags and paths into sequences, as requests write them (spec 3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dicomorph.dicom.standard.dictionary import tag_of
from dicomorph.dicom.standard.private_dictionary import PrivateDictionary
from dicomorph.model.errors import ParameterOutOfRangeError, UnknownDicomTagError
from dicomorph.model.settings import PrivateTag

_HEXADECIMAL = re.compile("([0-9A-Fa-f]{4})[,-]?([0-9A-Fa-f]{4})")
_PREFIXED = re.compile("0[xX]([0-9A-Fa-f]{1,4}),0[xX]([0-9A-Fa-f]{1,4})")  # happens to be accepted by Orthanc
_NAME = re.compile("[0-9A-Za-z_,()-]{1,64}")
_INDEX = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class TagPath:
    """A tag, and the items of sequences that lead to it.

    Parameters
    ----------
    parents : tuple[tuple[int, int | None], ...]
        From the outside in, the tag of a sequence and the index of an item; None for all.
    tag : int
        The final tag.
    """

    parents: tuple[tuple[int, int | None], ...]
    tag: int


class TagNames:
    """Reads tags and paths, with the names of the setting ``Dictionary`` beside the standard's.

    Parameters
    ----------
    private : tuple[PrivateTag, ...]
        The entries of the setting.

    Examples
    --------
    >>> TagNames(()).path("ReferencedImageSequence[*].0008,1155")
    TagPath(parents=((528704, None),), tag=528725)
    """

    def __init__(self, private: tuple[PrivateTag, ...] = ()) -> None:
        self._private = PrivateDictionary(private)

    def tag(self, text: str) -> int:
        """Return the tag that a text names: ``gggg,eeee``, ``gggg-eeee``, ``ggggeeee`` or a keyword.

        Raises
        ------
        UnknownDicomTagError
            If nothing has this name.
        """
        match = _HEXADECIMAL.fullmatch(text) or _PREFIXED.fullmatch(text)
        if match:
            return int(match[1], 16) << 16 | int(match[2], 16)
        found = tag_of(text)
        if found is None:
            found = self._private.tag_of(text)
        if found is None:
            # Only what looks like a name is repeated: a value in the wrong place must not end in a log.
            raise UnknownDicomTagError(f"Unknown DICOM tag: {text}" if _NAME.fullmatch(text) else "")
        return found

    def path(self, text: str) -> TagPath:
        """Return the path that a text names: ``sequence[index].sequence[*].tag``.

        Raises
        ------
        ParameterOutOfRangeError
            If a parent has no index, or an impossible one.
        UnknownDicomTagError
            If nothing has the name of the final tag, or of a parent.
        """
        *parents, final = text.split(".")
        tag = self._component(final.strip())
        return TagPath(tuple(self._parent(parent.strip()) for parent in parents), tag)

    def _component(self, text: str) -> int:
        if text.startswith("(") and text.endswith(")"):
            text = text[1:-1].strip()
        return self.tag(text)

    def _parent(self, text: str) -> tuple[int, int | None]:
        name, bracket, rest = text.partition("[")
        name, index = name.strip(), rest.removesuffix("]").strip()
        if not bracket or not rest.endswith("]"):
            raise ParameterOutOfRangeError("Each parent in a path to a tag needs an index in brackets")
        if not name:
            raise ParameterOutOfRangeError("A path to a tag lacks the tag of a parent")
        if index != "*" and not _INDEX.fullmatch(index):
            raise ParameterOutOfRangeError("An index in a path to a tag is a number of at least 0, or *")
        return self._component(name), None if index == "*" else int(index)
