"""The parts of a recoded data set as they come, with lengths that are known only behind what they count."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from dicomorph.dicom.stream.edit_script import ScriptPart, parts_size
from dicomorph.dicom.stream.elements import UNDEFINED_LENGTH
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.source import Scratch
from dicomorph.model.errors import BadFileFormatError

MOST_IN_MEMORY: Final = 1 << 24
"""Bytes of new elements, before they go where the source has its scratch."""
_PIECE = 1 << 20


class OpenLength:
    """A length field that was written before its value.

    Parameters
    ----------
    chunk, stop : bytearray, int
        What holds the field, and where it ends there.
    begin : int
        How many bytes there were before the value.
    """

    __slots__ = ("begin", "chunk", "stop")

    def __init__(self, chunk: bytearray, stop: int, begin: int) -> None:
        self.chunk = chunk
        self.stop = stop
        self.begin = begin


class Output:
    """New bytes, ranges of the source, and what lies in its scratch.

    Parameters
    ----------
    scratch : Scratch
        Of the source.
    order : str
        The byte order of lengths, as in `Encoding`.
    """

    def __init__(self, scratch: Scratch, order: str) -> None:
        self.chunk = bytearray()
        """The new bytes at the end: another object once something else was added."""
        self._scratch = scratch
        self._length = struct.Struct(order + "I")
        self._parts: list[bytearray | ScriptPart] = []
        self._before = 0  # bytes of these parts

    def open_length(self) -> OpenLength:
        """Note that the last four bytes are the length of what follows."""
        at = len(self.chunk)
        return OpenLength(self.chunk, at, self._before + at)

    def close_length(self, opened: OpenLength) -> None:
        """Write a length, which is that of all that was added since.

        Raises
        ------
        BadFileFormatError
            If it has more than 32 bits.
        """
        length = self._before + len(self.chunk) - opened.begin
        if length >= UNDEFINED_LENGTH:
            raise BadFileFormatError("A sequence or item is too long for the transfer syntax")
        self._length.pack_into(opened.chunk, opened.stop - 4, length)

    def add_range(self, start: int, stop: int) -> None:
        """Add a range of the source, unless it is empty."""
        if start < stop:
            self.add((start, stop))

    def add(self, part: ScriptPart) -> None:
        """Add a part."""
        if self.chunk:
            self._parts.append(self.chunk)
            self._before += len(self.chunk)
            self.chunk = bytearray()
        self._parts.append(part)
        self._before += parts_size((part,))

    def keep(self, pieces: Iterable[bytes]) -> None:
        """Add bytes that are too many for memory."""
        self.add(KeptPart(self._scratch.keep(pieces)))

    def settle(self) -> None:
        """Let go of what is in memory, if it is much; no length may be open."""
        if len(self.chunk) >= MOST_IN_MEMORY:
            chunk, self.chunk = self.chunk, bytearray()
            self.keep(_pieces(chunk))

    def parts(self) -> list[ScriptPart]:
        """Return all parts; nothing is added afterwards."""
        found = [bytes(part) if isinstance(part, bytearray) else part for part in self._parts]
        return [*found, bytes(self.chunk)] if self.chunk else found


def _pieces(chunk: bytearray) -> Iterator[bytes]:
    for start in range(0, len(chunk), _PIECE):
        yield bytes(chunk[start : start + _PIECE])
