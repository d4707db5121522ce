"""The elements before encapsulated pixel data that count its bytes (PS3.3 C.7.6.3.1.8, C.7.6.3.1.9).

All of them may be absent. Readers of other images pass over them, so that anything might be in them.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from dicomorph.dicom.frames.encapsulated import Cleaned
from dicomorph.dicom.frames.offset_tables import (
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    moved_extended_offset_table,
)
from dicomorph.dicom.stream.edit_script import Part
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.stream.windows import Window

_TOTAL_LENGTH = 0x7FE00003  # EncapsulatedPixelDataValueTotalLength
_TABLE: Final = (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS)
OFFSET_ELEMENTS: Final = frozenset((*_TABLE, _TOTAL_LENGTH))
_VRS: Final = frozenset((b"OV", b"UV", b"UN", b""))
_SIZE: Final = 8  # bytes, of each number


class _Found(NamedTuple):
    start: int
    value: int
    stop: int


class OffsetElements:
    """These elements of one image, held back until its fragments are known.

    Parameters
    ----------
    window : Window
        The file.
    encoding : Encoding
        Of the data set.
    """

    def __init__(self, window: Window, encoding: Encoding) -> None:
        self._window = window
        self._encoding = encoding
        self._found: dict[int, _Found] = {}

    def add(self, tag: int, vr: bytes, start: int, value: int, stop: int) -> None:
        """Hold an element back; one of another VR can be no such table."""
        if vr in _VRS:
            self._found[tag] = _Found(start, value, stop)

    def parts(self, cleaned: Cleaned) -> list[Part]:
        """Return those that describe the fragments, written anew where these have moved."""
        return self._table(cleaned) + self._total_length(cleaned)

    def _table(self, cleaned: Cleaned) -> list[Part]:
        found = [self._found.get(tag) for tag in _TABLE]
        offsets, lengths = (self._value(each, cleaned) for each in found)
        moved = moved_extended_offset_table(offsets, lengths, cleaned.moves, self._encoding)
        if moved is None:
            return []
        if cleaned.parts is None:
            return [(each.start, each.stop) for each in found if each]
        return [
            self._window.read(each.start, each.value) + value
            for each, value in zip(found, moved, strict=True)
            if each
        ]

    def _value(self, found: _Found | None, cleaned: Cleaned) -> bytes:
        """Return a value unless it has more numbers than there are fragments."""
        if found is None or not cleaned.moves.has_room_for(found.stop - found.value, _SIZE):
            return b""
        return self._window.read(found.value, found.stop)

    def _total_length(self, cleaned: Cleaned) -> list[Part]:
        found = self._found.get(_TOTAL_LENGTH)
        if found is None or found.stop - found.value != _SIZE or cleaned.parts is not None:
            return []
        (number,) = struct.unpack(self._encoding.order + "Q", self._window.read(found.value, found.stop))
        return [(found.start, found.stop)] if cleaned.moves.may_be_size(number) else []
