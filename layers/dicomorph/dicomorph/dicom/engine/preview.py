"""What the elements of a data set tell before they are walked: a value may depend on later ones.

Only requests whose plan or scope `looks_ahead` pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from dicomorph.dicom.engine.block_characteristics import (
    CHARACTERISTICS,
    block_characteristics,
    creator_text,
)
from dicomorph.dicom.engine.edit_plan import Action, Scope, Verdicts
from dicomorph.dicom.engine.private_blocks import PrivateClaims, Relocation, relocation
from dicomorph.dicom.engine.private_contents import PrivateContents
from dicomorph.dicom.standard.dictionary import is_private_creator
from dicomorph.dicom.standard.private_blocks import block_of
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.elements import (
    ITEM_DELIMITATION,
    Element,
    Encoding,
    read_element,
    read_header,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.pixel_values import is_signed
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

_US = 2  # bytes of a value
_LONGEST = 4096  # bytes of a value that is looked at: a creator has 64 characters (PS3.5 6.2, LO)
_PRIVATE = 1 << 16  # the bit of a tag that tells
_MOST = 1 << 16  # private elements of a data set that are judged: each takes memory
_LONGEST_DESCRIPTION = 1 << 20  # bytes in which a data set describes its private blocks


class Preview(NamedTuple):
    """A data set at a first glance.

    Parameters
    ----------
    pixel_representation, character_set : bytes
        The values of these attributes, empty if they are absent.
    creators : Mapping[int, bytes]
        The values of private creators, by their tags: in the groups that the request speaks
        of, or in all of them if they are judged.
    private : AbstractSet[int]
        The private tags in the groups that the request speaks of, creators included.
    owned : Mapping[int, Element]
        Those that are judged and stand behind the creator of their block.
    description : tuple[bytes, bytes] or None
        PrivateDataElementCharacteristicsSequence where they are judged: VR and value.
    encoding : Encoding
        How the data set is written.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    """

    pixel_representation: bytes
    character_set: bytes
    creators: Mapping[int, bytes]
    private: AbstractSet[int]
    owned: Mapping[int, Element]
    description: tuple[bytes, bytes] | None
    encoding: Encoding
    read: Callable[[int, int], bytes]

    def signed(self, scope: Scope, replacements: Mapping[int, Json]) -> bool | None:
        """Return whether its pixel values are signed once it is edited; None if it does not say.

        Parameters
        ----------
        scope : Scope
            Its rules.
        replacements : Mapping[int, Json]
            The values of `Action.REPLACE`.
        """
        action = scope.rule(PIXEL_REPRESENTATION).action
        if action is Action.REPLACE:
            return is_signed(replacements[PIXEL_REPRESENTATION])
        return is_signed(self.pixel_representation) if action is Action.KEEP else None

    def relocation(self, scope: Scope, claims: PrivateClaims, decoding: CharacterSet) -> Relocation:
        """Return where the private tags of a request are.

        Parameters
        ----------
        scope : Scope
            The rules, by the tags of the request.
        claims : PrivateClaims
            Those of `scope`.
        decoding : CharacterSet
            Of the data set.
        """

        def is_removed(tag: int) -> bool:
            action = scope.rule(tag).action
            # What is judged may stay; if nobody has reserved its block, it goes.
            is_orphan = action is Action.JUDGE and block_of(tag) is not None and tag not in self.owned
            return action is Action.REMOVE or is_orphan

        texts = self._texts(lambda raw: decoding.decode(raw).strip(" \0"))
        return relocation(claims, texts, self.private, is_removed)

    def verdicts(self, scope: Scope, decoding: CharacterSet) -> Verdicts | None:
        """Return what happens to the private elements, None if nobody judges them.

        Parameters
        ----------
        scope, decoding
            As for `relocation`, by the tags of the data set.
        """
        if scope.judge is None:
            return None
        vr, raw = self.description or (b"", b"")
        declared = block_characteristics(vr, raw, self.encoding, decoding)
        contents = PrivateContents(
            self._texts(lambda raw: creator_text(raw, decoding)),
            self.owned,
            declared,
            self.encoding,
            self.read,
        )

        def stays(tag: int) -> bool | None:
            action = scope.rule(tag).action
            return None if action is Action.JUDGE else action is not Action.REMOVE

        return scope.judge.judge(contents, stays)

    def _texts(self, text_of: Callable[[bytes], str]) -> dict[int, str]:
        """Return the creators by their blocks."""
        return {
            block: text_of(raw) for tag, raw in self.creators.items() if (block := block_of(tag)) is not None
        }


def preview(
    elements: Iterable[Element],
    read: Callable[[int, int], bytes],
    encoding: Encoding,
    *,
    claims: PrivateClaims | None,
    judges: bool = False,
) -> Preview:
    """Look at the elements of a data set.

    Parameters
    ----------
    elements : Iterable[Element]
        All of them, or those up to the last one that matters.
    read : Callable[[int, int], bytes]
        Returns what stands between two positions.
    encoding : Encoding
        How they are written.
    claims : PrivateClaims or None
        The private tags of the request, whose groups are looked at.
    judges : bool
        Whether all private elements are.
    """
    groups = {tag >> 16 for tag in claims.named} if claims else set()
    values = {PIXEL_REPRESENTATION: b"", SPECIFIC_CHARACTER_SET: b""}
    creators: dict[int, bytes] = {}
    private: set[int] = set()
    owned: dict[int, Element] = {}
    description = None
    for element in elements:
        tag, vr, _, start, stop, undefined = element
        if tag in values:
            values[tag] = values[tag] or read(start, min(stop, start + _LONGEST))
        elif (judges and tag & _PRIVATE) or tag >> 16 in groups:
            if is_private_creator(tag):
                # One that is repeated, or no text, reserves nothing.
                is_creator = tag not in creators and not undefined and stop - start <= _LONGEST
                creators[tag] = read(start, stop) if is_creator else b""
            elif judges and tag & 0xFFFF0000 | tag >> 8 & 0xFF in creators:
                owned[tag] = element
            if tag >> 16 in groups:
                private.add(tag)
            if judges and len(creators) + len(owned) > _MOST:
                raise BadFileFormatError("A data set has too many private elements")
        elif tag == CHARACTERISTICS and judges and stop - start <= _LONGEST_DESCRIPTION:
            description = vr, read(start, stop)
    return Preview(
        values[PIXEL_REPRESENTATION][:_US],
        values[SPECIFIC_CHARACTER_SET],
        creators,
        private,
        owned,
        description,
        encoding,
        read,
    )


def elements_of_item(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> Iterator[Element]:
    """Yield the elements of an item, up to its delimiter or the end."""
    while pos < end and read_header(buffer, pos, end, encoding)[0] != ITEM_DELIMITATION:
        element = read_element(buffer, pos, end, encoding)
        yield element
        pos = element.stop
