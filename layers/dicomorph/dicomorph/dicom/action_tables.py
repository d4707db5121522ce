"""What the walkers do at each element, remembered by the bytes of its header.

A table maps the tag and VR of an element, as they stand in the file, to a step. It is filled
lazily: the rules of a plan (private, repeating groups, dictionary, paths) run once for each
distinct key, and an element that stays costs one lookup.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from dicomorph.dicom.dictionary import vr_of
from dicomorph.dicom.edit_plan import Action, Rule, Scope
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

SPECIFIC_CHARACTER_SET = 0x00080005
_REMEMBERED = 20_000  # hostile files must not grow a table without bound


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
        self.below: dict[Any, Below] = {}
        self.sequences: dict[bytes, bytes | None] = {}
        self.edits: dict[bytes, bytes] = {}
        self.top: dict[Any, tuple[int, int]] = {}

    def under(self, raw_character_set: bytes) -> Table:
        """Return the table for the same scope under another character set."""
        return self.rewriting.relabelled(self, raw_character_set)

    def edited(self, whole: bytes, tag: int, vr: bytes, value: bytes) -> bytes:
        """Return the element that takes the place of another.

        Parameters
        ----------
        whole : bytes
            The element with its header, by which the answer is remembered.
        """
        found = self.edits.get(whole)
        if found is None:
            found = self.rewriting.edited(self, tag, vr, value)
            if len(self.edits) >= _REMEMBERED:
                self.edits.clear()
            self.edits[whole] = found
        return found

    def remember_sequence(self, raw: bytes, edited: bytes | None) -> None:
        """Keep what became of a short sequence; enhanced objects repeat them for each frame."""
        if len(self.sequences) >= _REMEMBERED:
            self.sequences.clear()
        self.sequences[raw] = edited

    def _store(self, key: Any, step: int) -> int:
        if len(self) >= _REMEMBERED:
            self.clear()
            self.below.clear()
        self[key] = step
        return step

    def _kind(self, tag: int, vr: str) -> str:
        """Return ``keep``, ``drop``, ``edit``, ``sequence`` or ``character set`` for an element."""
        if tag & 0xFFFF == 0:
            return "drop"  # group lengths are retired (PS3.5 7.2) and wrong after an edit
        if not self.nested and tag >> 16 < 0x0008:  # noqa: PLR2004 - groups that no data set holds
            return "drop"
        rule: Rule = self.scope.rule(tag)
        if tag == SPECIFIC_CHARACTER_SET and (not self.nested or rule.action is Action.KEEP):
            return "character set"
        text = vr.encode() in TEXT_VRS
        if rule.action is Action.KEEP:
            return "sequence" if vr == "SQ" else "keep"
        if rule.action is Action.EMPTY:
            return "edit" if text or not self.nested else "drop"
        if rule.action is Action.MAP:
            return "edit" if text else "drop"
        return "drop"


class Below:
    """The tables for the items of a sequence."""

    def __init__(self, table: Table, tag: int, encoding: Encoding) -> None:
        self._table = table
        self._tag = tag
        self._encoding = encoding
        self.by_index = table.scope.differs_by_index(tag)
        self.first = self.at(0)

    def at(self, index: int) -> Table | None:
        """Return the table for one item, None if nothing in it changes."""
        scope = self._table.scope.below(self._tag, index)
        return None if scope is None else self._table.rewriting.nested(self._table, scope, self._encoding)


class ExplicitTable(Table):
    """Steps by the six bytes of tag and VR."""

    def __missing__(self, key: bytes) -> int:
        """Work out the step for a key that was not met before."""
        group, element = struct.unpack(self.encoding.order + "HH", key[:4])
        if group == ITEM >> 16:
            return STOP  # not stored: the VR bytes are part of a length here
        tag, vr = group << 16 | element, key[4:6]
        if vr not in SHORT_VRS and vr not in LONG_VRS:
            message = f"{format_tag(tag)} has no valid VR"
            raise BadFileFormatError(message)
        known = vr_of(tag) if vr == b"UN" else vr.decode()
        kind = self._kind(tag, known)
        return self._store(key, self._step(key, tag, vr, kind))

    def _step(self, key: bytes, tag: int, vr: bytes, kind: str) -> int:
        long = vr in LONG_VRS
        if kind == "character set":
            return CHARACTER_SET
        if kind in ("sequence", "keep") and vr in (b"SQ", b"UN"):
            # UN may hide a sequence of undefined length, in implicit VR (PS3.5 6.2.2)
            inner = self.encoding if vr == b"SQ" else IMPLICIT_LITTLE
            below = Below(self, tag, inner)
            self.below[key] = below
            if below.first is None and not below.by_index:
                return KEEP_LONG
            return SEQUENCE if kind == "sequence" and vr == b"SQ" else UNKNOWN
        if kind in ("keep", "sequence"):
            return KEEP_LONG if long else KEEP_SHORT
        if kind == "drop":
            return DROP_LONG if long else DROP_SHORT
        return EDIT_LONG if long else EDIT_SHORT


class ImplicitTable(Table):
    """Steps by the four bytes of the tag, read as one little-endian number."""

    def __missing__(self, key: int) -> int:
        """Work out the step for a key that was not met before."""
        tag = (key & 0xFFFF) << 16 | key >> 16
        if tag >> 16 == ITEM >> 16:
            return self._store(key, STOP)
        kind = self._kind(tag, vr_of(tag))
        if kind == "character set":
            return self._store(key, CHARACTER_SET)
        if kind in ("sequence", "keep"):
            # Whatever its VR, an element of undefined length is a sequence here.
            below = Below(self, tag, self.encoding)
            self.below[key] = below
            changes = below.first is not None or below.by_index
            return self._store(key, SEQUENCE if kind == "sequence" and changes else KEEP_SHORT)
        return self._store(key, DROP_SHORT if kind == "drop" else EDIT_SHORT)


def parts_size(parts: list[Part]) -> int:
    """Return how many bytes the parts make."""
    size = 0
    for part in parts:
        size += len(part) if type(part) is bytes else part[1] - part[0]
    return size


def holds_sequence(tag: int) -> bool:
    """Tell whether the dictionary knows a tag as a sequence."""
    return vr_of(tag) == "SQ"
