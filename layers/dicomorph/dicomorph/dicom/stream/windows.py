"""A view on a file that moves along, so that a walk needs neither the whole file nor many reads."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from dicomorph.dicom.stream.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    ITEM,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    IrregularError,
    TruncatedError,
    encoding_inside,
    skip_undefined,
)
from dicomorph.dicom.stream.source import Buffer, Source
from dicomorph.model.errors import BadFileFormatError

WINDOW = 1 << 16
_LONGEST_HEADER = 12  # bytes, of an element
_PADDING = (b"\0", b"\xff")
_T = TypeVar("_T")


def _item_headers(encoding: Encoding) -> tuple[Callable[[Buffer, int], tuple[int, ...]], int, int]:
    """Return what reads a tag as one number and a length, and the numbers of item and delimiter."""
    field = struct.Struct(encoding.order + "I")
    item, delimiter = (field.unpack(encoding.tag(tag))[0] for tag in (ITEM, SEQUENCE_DELIMITATION))
    return struct.Struct(encoding.order + "II").unpack_from, item, delimiter


_ITEMS = {encoding.order: _item_headers(encoding) for encoding in (EXPLICIT_LITTLE, EXPLICIT_BIG)}


class Window:
    """The part of a source that is at hand.

    ``buffer`` holds the bytes from position ``base`` to ``end``, which are headers of elements as a
    whole up to one at ``last_header``, or all that there are. A source in memory is at hand as a whole.

    Parameters
    ----------
    source : Source
        What to read from.
    start : int
        Where to begin.
    """

    def __init__(self, source: Source, start: int = 0) -> None:
        self.source = source
        self.size = source.size
        self.buffer: Buffer = b""
        self.base = self.end = self.last_header = 0
        self.move(start)

    def move(self, start: int, length: int = 0) -> None:
        """Move the window so that it covers a range, as far as the file goes."""
        self.buffer, self.base = self.source.window(start, max(length, WINDOW))
        self.end = end = self.base + len(self.buffer)
        self.last_header = end - _LONGEST_HEADER if end < self.size else self.size

    def of(self, start: int, stop: int) -> tuple[Buffer, int]:
        """Return a buffer that covers a range, and the position of its first byte."""
        if not self.base <= start <= stop <= self.end:
            self.move(start, stop - start)
        return self.buffer, self.base

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, however long, without moving the window."""
        if self.base <= start and stop <= self.end:
            return self.buffer[start - self.base : stop - self.base]
        return self.source.read(start, stop)

    def only_padding_from(self, pos: int) -> bool:
        """Tell whether the rest of the file is nothing but zeros, or nothing but bytes FF."""
        padding = self.read(pos, pos + 1)
        if padding not in _PADDING:
            return pos >= self.size
        while pos < self.size:
            stop = min(pos + WINDOW, self.size)
            if self.read(pos, stop).strip(padding):
                return False
            pos = stop
        return True

    def growing(self, pos: int, walk: Callable[[Buffer, int, int], _T]) -> _T:
        """Walk a structure of unknown length, in a window that doubles until it holds it.

        Parameters
        ----------
        walk : Callable[[Buffer, int, int], T]
            Gets a buffer, and in it where to begin and where the file or the window ends.

        Raises
        ------
        BadFileFormatError
            If the walk fails with the rest of the file at hand.
        """
        length = WINDOW
        self.of(pos, min(pos + 8, self.size))
        while True:
            try:
                return walk(self.buffer, pos - self.base, len(self.buffer))
            except IrregularError:  # more of the file would change nothing
                raise
            except (BadFileFormatError, struct.error, IndexError):
                if self.end >= self.size:
                    raise
            length = 2 * max(length, self.end - pos)
            self.move(pos, min(length, self.size - pos))

    def end_of_items(self, pos: int, vr: bytes, encoding: Encoding) -> int:
        """Return where a sequence of undefined length ends, behind its delimiter."""

        def size(buffer: Buffer, at: int, end: int) -> int:
            return skip_undefined(buffer, at, end, encoding_inside(vr, encoding, buffer, at, end)) - at

        return pos + self.growing(pos, size)

    def end_of_fragments(self, pos: int, order: str) -> int:
        """Return where encapsulated pixel data end; their fragments stay unread (PS3.5 A.4).

        Where the source knows it, even their headers do: whoever recorded it has walked over them.

        Raises
        ------
        BadFileFormatError
            If the fragments do not add up to the file.
        """
        unpack, item, delimiter = _ITEMS[order]
        begin, end = self.source.fragments or (-1, -1)
        if begin == pos and unpack(self.source.read(end - 8, end).ljust(8), 0) == (delimiter, 0):
            return end
        buffer, base, last = self.buffer, self.base, self.end - 8
        while pos + 8 <= self.size:
            if base <= pos <= last:
                tag, length = unpack(buffer, pos - base)
            else:  # how much it is worth to fetch, the source knows
                tag, length = unpack(self.source.read(pos, pos + 8), 0)
            pos += 8
            if tag == delimiter:
                return pos
            if tag != item or length == UNDEFINED_LENGTH:
                raise BadFileFormatError("The fragments of the pixel data do not add up")
            pos += length
        raise TruncatedError("The encapsulated pixel data are cut off")
