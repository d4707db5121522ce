"""What the walkers do at each element, remembered by the bytes of its header.

A table maps the tag and VR of an element, as they stand in the file, to a step. It is filled
lazily: the rules of a plan (private, repeating groups, dictionary, paths) run once for each
distinct key, and an element that stays costs one lookup.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from dicomorph.dicom.dictionary import vr_of
from dicomorph.dicom.edit_plan import Action, Scope
from dicomorph.dicom.edit_script import Part
from dicomorph.dicom.elements import (
    IMPLICIT_LITTLE,
    ITEM,
    LONG_VRS,
    SHORT_VRS,
    TEXT_VRS,
    Encoding,
    format_tag,
)
from dicomorph.model.errors import BadFileFormatError

if TYPE_CHECKING:
    from dicomorph.dicom.charsets import CharacterSet
    from dicomorph.dicom.rewriting import Rewriting

# The steps. KEEP_SHORT is 0: the walkers test it first, by truth.
KEEP_SHORT, KEEP_LONG, SEQUENCE, UNKNOWN, STOP = range(5)
DROP_SHORT, DROP_LONG, EDIT_SHORT, EDIT_LONG, CHARACTER_SET = range(5, 10)
REPLACE_SHORT, REPLACE_LONG, EMPTY_SHORT = range(10, 13)
NOTE = 13  # at the top level: remember the value that the element ends up with

SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
_NOTED = frozenset((SOP_CLASS_UID, SOP_INSTANCE_UID))  # the file meta information repeats them

SPECIFIC_CHARACTER_SET = 0x00080005
_FIRST_DATA_SET_TAG = 0x00080000  # what lies below is file meta, commands or a DICOMDIR
_NESTING_VRS = frozenset((b"SQ", b"UN"))
# VR to whether its length has 32 bits, and whether it is text
_KINDS = {vr: (vr in LONG_VRS, vr in TEXT_VRS) for vr in LONG_VRS | SHORT_VRS}
_LEARNT = 5_000  # for each scope, and scopes may outlive a request
REMEMBERED = 20_000  # hostile files must not grow a table without bound


Editor: TypeAlias = Callable[[bytes], bytes]  # from a value to the whole new element


class Table(dict[Any, int]):
    """Steps for the elements of one scope, under one character set and encoding.

    Parameters
    ----------
    rewriting : Rewriting
        What all tables of a rewrite share.
    scope : Scope
        The rules.
    decoding, encoding_text : CharacterSet
        Of the original, and of replacements (they differ where the request relabels).
    encoding : Encoding
        How the elements are written.
    """

    def __init__(
        self,
        rewriting: Rewriting,
        scope: Scope,
        decoding: CharacterSet,
        encoding_text: CharacterSet,
        encoding: Encoding,
    ) -> None:
        super().__init__()
        self.rewriting = rewriting
        self.scope = scope
        self.decoding = decoding
        self.encoding_text = encoding_text
        self.encoding = encoding
        self.nested = scope is not rewriting.plan.root
        self.replaces = bool(scope.replacements) and self.nested
        self.below = _BelowTables(self)
        # What became of short sequences: enhanced objects repeat them for each frame.
        self.sequences: dict[bytes, bytes | None] = {}
        self._learnt, self.top = scope.steps.setdefault(encoding, ({}, {}))
        self.edits: dict[bytes, bytes] = {}
        self.editors = _Editors(self)
        self.empty = _Empty(self)

    def under(self, raw_character_set: bytes) -> Table:
        """Return the table for the same scope under another character set."""
        return self.rewriting.relabelled(self, raw_character_set)

    def edit(self, whole: bytes, key: Any, header_size: int) -> bytes:
        """Return the element that takes the place of another, and remember it in `edits`.

        Parameters
        ----------
        whole : bytes
            The element with its header.
        key : bytes or int
            The key of its step.
        """
        found = self.editors[key](whole[header_size:])
        if len(self.edits) >= REMEMBERED:
            self.edits.clear()
        self.edits[whole] = found
        return found

    def __missing__(self, key: Any) -> int:
        """Work out the step for a key that was not met before."""
        if len(self) >= REMEMBERED:
            for table in (self, self.below, self.editors, self.empty):
                table.clear()
        step = self.work_out(key)[0]
        if step != STOP or self._is_delimiter(key):
            self[key] = step
        return step

    def work_out(self, key: Any) -> tuple[int, int]:
        """Return the step for a key, and its tag; the scope remembers them for other files."""
        found = self._learnt.get(key)
        if found is None:
            found = self._work_out(key)
            if len(self._learnt) >= _LEARNT:
                self._learnt.clear()
            if found[0] != STOP:
                self._learnt[key] = found
        return found

    def top_step(self, key: Any) -> tuple[int, int]:
        """Return the step for a key of the top level, and its tag, and keep them in `top`."""
        step, tag = self.work_out(key)
        if len(self.top) >= _LEARNT:
            self.top.clear()
        found = self.top[key] = NOTE if tag in _NOTED else step, tag
        return found

    @abstractmethod
    def _work_out(self, key: Any) -> tuple[int, int]:
        """Work out what `work_out` remembers."""

    @abstractmethod
    def sequence_of(self, key: Any) -> tuple[int, Encoding]:
        """Return the tag of a sequence, and how its items are written."""

    @abstractmethod
    def tag_and_vr(self, key: Any) -> tuple[int, bytes]:
        """Return what a key consists of; no VR in implicit VR."""

    @abstractmethod
    def _is_delimiter(self, key: Any) -> bool:
        """Tell a delimiter from an item, whose length is part of the key."""

    def _step(self, tag: int, *, long: bool, text: bool) -> int:  # noqa: PLR0911 - one for each step
        """Return the step for an element whose VR is neither SQ nor UN where it is kept."""
        # Group lengths are retired (PS3.5 7.2), and wrong after an edit.
        if not tag & 0xFFFF or (not self.nested and tag < _FIRST_DATA_SET_TAG):
            return DROP_LONG if long else DROP_SHORT
        action = self.scope.rule(tag).action
        if tag == SPECIFIC_CHARACTER_SET and (not self.nested or action is Action.KEEP):
            return CHARACTER_SET
        if action is Action.KEEP:
            return KEEP_LONG if long else KEEP_SHORT
        if action is Action.REPLACE:
            return REPLACE_LONG if long else REPLACE_SHORT
        # Inside items, what is no text cannot be emptied and goes (spec 3.7).
        if action is Action.EMPTY and (text or not self.nested):
            return EDIT_LONG if long else EMPTY_SHORT
        if action is Action.MAP and text:
            return EDIT_LONG if long else EDIT_SHORT
        return DROP_LONG if long else DROP_SHORT


class Below:
    """The tables for the items of a sequence."""

    def __init__(self, table: Table, tag: int, encoding: Encoding) -> None:
        self._table = table
        self._tag = tag
        self._encoding = encoding
        self.by_index = table.scope.differs_by_index(tag)
        self.first = self.at(0)

    @property
    def changes(self) -> bool:
        """Whether anything in the sequence may change."""
        return self.first is not None or self.by_index

    def at(self, index: int) -> Table | None:
        """Return the table for one item, None if nothing in it changes."""
        scope = self._table.scope.below(self._tag, index)
        return None if scope is None else self._table.rewriting.nested(self._table, scope, self._encoding)


class _BelowTables(dict[Any, Below]):
    """The tables below each sequence that was met, by the key of its step."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, key: Any) -> Below:
        tag, encoding = self._table.sequence_of(key)
        below = self[key] = Below(self._table, tag, encoding)
        return below


class _Editors(dict[Any, Editor]):
    """What edits the elements that were met, by the key of their step."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, key: Any) -> Editor:
        tag, vr = self._table.tag_and_vr(key)
        editor = self[key] = self._table.rewriting.editor(self._table, tag, vr)
        return editor


class _Empty(dict[Any, bytes]):
    """The elements without a value that take the place of those that were met."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, key: Any) -> bytes:
        element = self[key] = self._table.editors[key](b"")
        return element


class ExplicitTable(Table):
    """Steps by the six bytes of tag and VR."""

    def _work_out(self, key: bytes) -> tuple[int, int]:
        group, element = struct.unpack_from(self.encoding.order + "HH", key)
        tag = group << 16 | element
        if group == ITEM >> 16:
            return STOP, tag
        vr = key[4:6]
        kind = _KINDS.get(vr)
        if kind is None:
            raise BadFileFormatError(f"{format_tag(tag)} has no valid VR")
        long, text = kind
        step = (
            self._nesting_step(key, tag, vr) if vr in _NESTING_VRS else self._step(tag, long=long, text=text)
        )
        return step, tag

    def _is_delimiter(self, key: bytes) -> bool:
        # The VR bytes are half of a length here: 0 for every delimiter that is one.
        return key[4:] == b"\0\0"

    def tag_and_vr(self, key: bytes) -> tuple[int, bytes]:
        """Return what a key consists of."""
        group, element = struct.unpack_from(self.encoding.order + "HH", key)
        return group << 16 | element, key[4:]

    def sequence_of(self, key: bytes) -> tuple[int, Encoding]:
        """Return the tag of a sequence, and how its items are written (UN: PS3.5 6.2.2)."""
        tag, vr = self.tag_and_vr(key)
        return tag, IMPLICIT_LITTLE if vr == b"UN" else self.encoding

    def _nesting_step(self, key: bytes, tag: int, vr: bytes) -> int:
        known = vr_of(tag) if vr == b"UN" else "SQ"
        step = self._step(tag, long=True, text=known.encode() in TEXT_VRS)
        if step != KEEP_LONG or not self.below[key].changes:
            return step
        return SEQUENCE if vr == b"SQ" else UNKNOWN


class ImplicitTable(Table):
    """Steps by the four bytes of the tag, read as one little-endian number."""

    def _work_out(self, key: int) -> tuple[int, int]:
        tag = (key & 0xFFFF) << 16 | key >> 16
        if tag >> 16 == ITEM >> 16:
            return STOP, tag
        vr = vr_of(tag)
        step = self._step(tag, long=False, text=vr.encode() in TEXT_VRS)
        # Whatever its VR, a kept element of undefined length is a sequence here.
        if step == KEEP_SHORT and vr == "SQ" and self.below[key].changes:
            step = SEQUENCE
        return step, tag

    def _is_delimiter(self, key: int) -> bool:  # noqa: ARG002 - the key is nothing but a tag
        return True

    def tag_and_vr(self, key: int) -> tuple[int, bytes]:
        """Return what a key consists of."""
        return (key & 0xFFFF) << 16 | key >> 16, b""

    def sequence_of(self, key: int) -> tuple[int, Encoding]:
        """Return the tag of a sequence, and how its items are written."""
        return (key & 0xFFFF) << 16 | key >> 16, self.encoding


def parts_size(parts: list[Part]) -> int:
    """Return how many bytes the parts make."""
    size = 0
    for part in parts:
        size += len(part) if isinstance(part, bytes) else part[1] - part[0]
    return size


def holds_sequence(tag: int) -> bool:
    """Tell whether the dictionary knows a tag as a sequence."""
    return vr_of(tag) == "SQ"
