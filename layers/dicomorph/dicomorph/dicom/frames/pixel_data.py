"""The elements of group 7FE0 that stay while a file is rewritten: frames and where they begin."""

from __future__ import annotations

from dicomorph.dicom.frames.encapsulated import clean, may_hold_comments
from dicomorph.dicom.frames.offset_tables import (
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    Moves,
    moved_extended_offset_table,
)
from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.stream.edit_script import EditScript, Part
from dicomorph.dicom.stream.elements import UNDEFINED_LENGTH, Encoding, TruncatedError
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.windows import Window

PIXEL_DATA_GROUP = PIXEL_DATA >> 16
_EXTENDED_OFFSET_TABLES = (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS)


def without_comments(whole: bytes, *, encoding: Encoding) -> bytes:
    """Return pixel data that stand in an item, such as those of an icon, without comments in frames.

    Parameters
    ----------
    whole : bytes
        The element with its header, in explicit VR.
    """
    value, length = encoding.length_field(b"OB")
    if length.unpack_from(whole, value - length.size) != (UNDEFINED_LENGTH,):
        return whole
    source = BufferSource(whole)
    parts = clean(Window(source), value, encoding).parts
    return whole if parts is None else whole[:value] + EditScript.of(parts).join(source)


class PixelData:
    """What becomes of the group of the pixel data in one file.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    window : Window
        Where it is read.
    is_anonymization : bool
        Whether comments must leave the frames.
    out : list[bytes | tuple[int, int]]
        The parts of the output; elements are added to it.
    """

    def __init__(
        self, data: DataSetBytes, window: Window, out: list[Part], *, is_anonymization: bool
    ) -> None:
        self._encoding = data.encoding
        self._window = window
        self._out = out
        self._is_cleaned = is_anonymization and may_hold_comments(data.transfer_syntax)
        self._offset_tables: dict[int, tuple[int, int, int]] = {}

    def element(self, tag: int, vr: bytes, pos: int, value: int, length: int) -> tuple[list[Part], int]:
        """Return an element as it stays, and where it ends.

        Raises
        ------
        BadFileFormatError
            If it does not fit into the file, or its frames cannot be cleaned.
        """
        if length == UNDEFINED_LENGTH:
            return self._encapsulated(tag, vr, pos, value)
        stop = value + length
        if stop > self._window.size:
            raise TruncatedError(f"{format_tag(tag)} is longer than the file")
        if tag in _EXTENDED_OFFSET_TABLES:
            self._offset_tables[tag] = pos, value, stop
        return [(pos, stop)], stop

    def _encapsulated(self, tag: int, vr: bytes, pos: int, value: int) -> tuple[list[Part], int]:
        header: Part = (pos, value)
        if vr == b"OW":  # PS3.5 A.4: encapsulated pixel data have the VR OB
            header = self._encoding.header(tag, b"OB", UNDEFINED_LENGTH)
        if not self._is_cleaned:
            stop = self._window.end_of_fragments(value, self._encoding.order)
            return [header, (value, stop)], stop
        cleaned = clean(self._window, value, self._encoding)
        if cleaned.parts is None:
            return [header, (value, cleaned.stop)], cleaned.stop
        self._move_offset_table(cleaned.moves)
        return [header, *cleaned.parts], cleaned.stop

    def _move_offset_table(self, moves: Moves) -> None:
        """Write the Extended Offset Table anew; it goes if it was wrong, for it may be absent."""
        offsets, lengths = (self._offset_table_value(tag) for tag in _EXTENDED_OFFSET_TABLES)
        moved = moved_extended_offset_table(offsets, lengths, moves, self._encoding)
        for tag, (pos, value, stop) in self._offset_tables.items():
            element = b""
            if moved is not None:
                element = self._window.read(pos, value) + moved[_EXTENDED_OFFSET_TABLES.index(tag)]
            self._out[self._out.index((pos, stop))] = element

    def _offset_table_value(self, tag: int) -> bytes:
        _, value, stop = self._offset_tables.get(tag, (0, 0, 0))
        return self._window.read(value, stop)
