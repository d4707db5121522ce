"""References in items with the walkers of the engine, which remember what frames and contours repeat.

Where each reference stands for itself, it is an element to be edited like any other. Where it does
not, below a study or series that is named, and where the walkers would change more than references,
`reference_editor` takes its time.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dicomorph.dicom.engine.edit_plan import FOLLOW, KEEP, Rule, Scope
from dicomorph.dicom.engine.encoded_scope import EncodedScopes, ItemScopes
from dicomorph.dicom.engine.explicit_items import WALKERS
from dicomorph.dicom.engine.learnt import ItemRules
from dicomorph.dicom.engine.reference_editor import OF_STUDIES, ReferenceEditor
from dicomorph.dicom.engine.reference_tree import REFERENCES
from dicomorph.dicom.standard.tags import SERIES_INSTANCE_UID, STUDY_INSTANCE_UID
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.stream.source import Buffer, BufferSource
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

_HIERARCHICAL = OF_STUDIES | {STUDY_INSTANCE_UID, SERIES_INSTANCE_UID}
_DAMAGE = (BadFileFormatError, struct.error, IndexError)
_REMEMBERED = 2_000  # sequences; hostile files must not grow what is remembered without bound
_LONGEST = 4096  # bytes of one that is
_LARGEST = 64 << 20  # bytes of a sequence that is walked: parts of it take several times as many
_UNKNOWN: Final = b"not met before"


class _NotAloneError(Exception):
    """An item holds more than references that stand for themselves."""


class _ReferencesInItems:
    """The scope of items in which references follow, and nothing else changes."""

    replacements: Mapping[int, Json] = MappingProxyType({})
    written_as: Mapping[int, int | None] = MappingProxyType({})
    looks_ahead = False
    cleans_frames = False
    checks_values = False
    claims = None
    judge = None

    def __init__(self) -> None:
        self.learnt: dict[Encoding, Any] = {}

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element.

        Raises
        ------
        _NotAloneError
            If it names a study or series, or is a group length, wrong only if others change.
        """
        if tag in _HIERARCHICAL or not tag & 0xFFFF:
            raise _NotAloneError
        return FOLLOW if tag in REFERENCES else KEEP

    def unfit(self, tag: int) -> Rule:  # noqa: ARG002 - nobody looks at values
        """Return that an element stays whatever its value is."""
        return KEEP

    def of_item(self, tag: int, index: int) -> Scope:  # noqa: ARG002 - the same everywhere
        """Return the rules for an item of a sequence."""
        return self

    def differs_by_index(self, tag: int) -> bool:  # noqa: ARG002 - as above
        """Tell whether the items of a sequence follow different rules."""
        return False

    def follows(self, tag: int) -> bool:  # noqa: ARG002 - as above
        """Tell whether references follow in a way that rules do not tell."""
        return False


_IN_ITEMS = _ReferencesInItems()


class ReferenceWalk:
    """Rewrites the references in top-level sequences.

    Parameters
    ----------
    editor : ReferenceEditor
        For those that do not stand for themselves.
    scopes : EncodedScopes
        Of a rewriting with the same editor, used for nothing else.
    """

    def __init__(self, editor: ReferenceEditor, scopes: EncodedScopes) -> None:
        self._editor = editor
        self._scopes = scopes
        self._of_items: dict[Encoding, ItemScopes] = {}
        self._hierarchical: set[int] = set()  # the tags of sequences that were, not to try them again
        # The files of a series repeat many sequences.
        self._known: dict[tuple[int, Encoding, bytes], bytes | None] = {}

    def items(self, tag: int, buffer: Buffer, start: int, stop: int, encoding: Encoding) -> bytes | None:
        """Return the new items of a sequence, None if all stay as they are.

        Parameters
        ----------
        tag : int
            Of the sequence.
        start, stop : int
            Where its items begin and end, a delimiter at the end aside.

        Raises
        ------
        BadFileFormatError
            If there are too many of them.
        """
        if stop - start > _LONGEST:
            return self._new_items(tag, buffer, start, stop, encoding)
        key = tag, encoding, buffer[start:stop]
        new = self._known.get(key, _UNKNOWN)
        if new is _UNKNOWN:
            new = self._new_items(tag, buffer, start, stop, encoding)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = new
        return new

    def _new_items(self, tag: int, buffer: Buffer, start: int, stop: int, encoding: Encoding) -> bytes | None:
        if tag not in self._hierarchical and stop - start <= _LARGEST:
            try:
                return self._walked(buffer, start, stop, encoding)
            except _NotAloneError:
                if len(self._hierarchical) < _REMEMBERED:
                    self._hierarchical.add(tag)
            except _DAMAGE:  # what is whole beside it follows all the same
                pass
        return self._editor.items(tag, buffer, start, stop, encoding)

    def _walked(self, buffer: Buffer, start: int, stop: int, encoding: Encoding) -> bytes | None:
        items = self._of_items.get(encoding)
        if items is None:
            root = self._scopes.root(encoding)
            rules = ItemRules(0, _IN_ITEMS, by_index=False, encoding=encoding)
            items = self._of_items[encoding] = ItemScopes(root, rules)
        source = BufferSource(buffer)
        self._scopes.rewriting.window = Window(source)  # to which ranges refer
        _, parts, _ = WALKERS[encoding](buffer, start, stop, items, 0, False)  # noqa: FBT003
        return None if parts is None else EditScript.of(parts).join(source)
