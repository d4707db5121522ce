"""Headers of elements that may name no VR, read through a window."""

from __future__ import annotations

import struct
from typing import NamedTuple

from dicomorph.dicom.stream.absent_vrs import dictionary_vr, is_absent, is_vr
from dicomorph.dicom.stream.elements import (
    ITEM,
    ITEM_DELIMITATION,
    Encoding,
    IrregularError,
    TruncatedError,
    misplaced,
    overrun,
    read_header,
)
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError

_HEADER = 8  # bytes, the least that there are
_PADDING = (bytes(_HEADER), b"\xff" * _HEADER)


class Place(NamedTuple):
    """What is known of a data set before it is read.

    Parameters
    ----------
    encoding : Encoding
        How its elements are written.
    depth : int
        How many sequences surround it.
    undefined : bool
        Whether it is an item of undefined length.
    is_signed : bool
        Whether pixel values are, in what surrounds it.
    """

    encoding: Encoding
    depth: int = 0
    undefined: bool = False
    is_signed: bool = False


class Header(NamedTuple):
    """The header of an element; `new` takes its place if it named no VR."""

    tag: int
    vr: bytes
    value: int
    length: int
    new: bytes


class Headers:
    """The headers in a data set and in its items.

    Parameters
    ----------
    window : Window
        Where they are read.
    """

    def __init__(self, window: Window) -> None:
        self._window = window

    def end_here(self, pos: int, end: int, place: Place) -> bool:
        """Tell whether no element begins here, but a delimiter or padding.

        Raises
        ------
        BadFileFormatError
            If a delimiter stands where none can be, or less remains than a header.
        """
        if end - pos < _HEADER:
            if not place.depth and self._window.only_padding_from(pos):
                return True
            raise TruncatedError("An element header is cut off")
        tag = self.tag(pos, place.encoding)
        if tag >> 16 == ITEM >> 16:
            # At the end of an item of defined length it says nothing new.
            if place.depth and tag == ITEM_DELIMITATION and (place.undefined or pos + _HEADER == end):
                return True
            raise misplaced()
        if not place.depth and self._window.read(pos, pos + _HEADER) in _PADDING:
            if self._window.only_padding_from(pos):
                return True
            raise misplaced()
        return False

    def read(self, pos: int, end: int, place: Place) -> Header:
        """Return the header at a position.

        Raises
        ------
        BadFileFormatError
            If it has no valid VR, and the next element does not follow a length of 16 bits.
        """
        buffer, base = self._window.of(pos, min(pos + 12, self._window.size))
        try:
            tag, vr, value, length = read_header(buffer, pos - base, end - base, place.encoding)
        except IrregularError as error:
            found = self._without_vr(pos, end, place)
            if found is None:
                raise BadFileFormatError(error.details) from error
            return found
        return Header(tag, vr, value + base, length, b"")

    def tag(self, pos: int, encoding: Encoding) -> int:
        """Return the tag at a position."""
        buffer, base = self._window.of(pos, min(pos + _HEADER, self._window.size))
        group, element = struct.unpack_from(encoding.order + "HH", buffer, pos - base)
        return int(group << 16 | element)

    def of_item(self, pos: int, end: int, encoding: Encoding) -> tuple[int, int]:
        """Return the tag and the length of an item or delimiter."""
        if pos + _HEADER > end:
            raise overrun()
        buffer, base = self._window.of(pos, pos + _HEADER)
        group, element, length = struct.unpack_from(encoding.order + "HHI", buffer, pos - base)
        return group << 16 | element, length

    def _without_vr(self, pos: int, end: int, place: Place) -> Header | None:
        """Return a header whose VR is none, None if its length of 16 bits does not lead on."""
        tag = self.tag(pos, place.encoding)
        raw = self._window.read(pos + 4, pos + _HEADER)
        (length,) = struct.unpack_from(place.encoding.order + "H", raw, 2)
        if not is_absent(raw[:2]) or not self._follows(tag, pos + _HEADER + length, end, place):
            return None
        vr = dictionary_vr(tag, is_signed=place.is_signed)
        return Header(tag, vr, pos + _HEADER, length, place.encoding.header(tag, vr, length))

    def _follows(self, tag: int, pos: int, end: int, place: Place) -> bool:
        """Tell whether a data set ends at a position, or an element begins that may follow a tag."""
        if pos > end or (pos == end and place.undefined):
            return False
        if pos == end:
            return True
        if pos + _HEADER <= end:
            following = self.tag(pos, place.encoding)
            if following >> 16 == ITEM >> 16:
                return following == ITEM_DELIMITATION and bool(place.depth)
            if following > tag:
                vr = self._window.read(pos + 4, pos + 6)
                return is_vr(vr) or is_absent(vr)
        return not place.depth and self._window.only_padding_from(pos)
