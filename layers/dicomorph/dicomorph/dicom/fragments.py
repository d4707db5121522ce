"""Encapsulated pixel data as frames: the fragments, and each frame as one run of bytes (PS3.5 A.4)."""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from dicomorph.dicom.elements import ITEM, SEQUENCE_DELIMITATION, UNDEFINED_LENGTH, TruncatedError
from dicomorph.dicom.windows import Window
from dicomorph.model.errors import BadFileFormatError

ITEM_HEADER = 8
_HEAD = 12  # bytes; tells what a codestream is
_STRETCH = 1 << 20  # bytes searched at a time


class Fragment(NamedTuple):
    """A fragment by the positions of its value in the file."""

    start: int
    stop: int


class Fragments:
    """The items of encapsulated pixel data, one after the other.

    Parameters
    ----------
    window : Window
        The file.
    pos : int
        Where the first item begins.
    order : str
        The byte order, as in `struct`.
    """

    def __init__(self, window: Window, pos: int, order: str) -> None:
        self.window = window
        self._item = struct.Struct(order + "HHI")
        self._next = self._at(pos)

    def peek(self) -> Fragment | None:
        """Return the next fragment, None if there is no other."""
        return self._next

    def take(self) -> None:
        """Step over the next fragment."""
        if self._next is not None:
            self._next = self._at(self._next.stop)

    def head(self) -> bytes:
        """Return the first twelve bytes of the next fragment, with those behind it if it is shorter.

        Empty for an empty fragment: a frame does not begin there.
        """
        fragment, found = self._next, b""
        while fragment is not None and len(found) < _HEAD:
            stop = min(fragment.stop, fragment.start + _HEAD - len(found))
            found += self.window.read(fragment.start, stop)
            if not found or len(found) == _HEAD:
                break
            fragment = self._at(fragment.stop)
        return found

    def _at(self, pos: int) -> Fragment | None:
        """Return the fragment whose item begins at a position, None at the delimiter."""
        header = self.window.read(pos, pos + ITEM_HEADER)
        if len(header) < ITEM_HEADER:
            raise TruncatedError("The encapsulated pixel data are cut off")
        group, element, length = self._item.unpack(header)
        tag = group << 16 | element
        if tag == SEQUENCE_DELIMITATION:
            self.end = pos + ITEM_HEADER
            return None
        stop = pos + ITEM_HEADER + length
        if tag != ITEM or length == UNDEFINED_LENGTH or stop > self.window.size:
            raise BadFileFormatError("The fragments of the pixel data do not add up")
        return Fragment(pos + ITEM_HEADER, stop)


class Frame:
    """A codestream that begins at the next fragment, and the fragments up to the next codestream.

    A `codestreams.Codestream`. The fragments are looked for when they are needed, so that a file
    is read from front to back.

    Parameters
    ----------
    fragments : Fragments
        Where the frame begins; stepped on with it.
    signatures : tuple[bytes, ...]
        What codestreams begin with.
    """

    def __init__(self, fragments: Fragments, signatures: tuple[bytes, ...]) -> None:
        self._fragments = fragments
        self._signatures = signatures
        self._window = fragments.window
        self._size = 0
        self._starts = array("Q")  # of the fragments, within the frame
        self._positions = array("Q")  # of the same, in the file
        self._extend()

    def fragments(self) -> Iterator[tuple[int, Fragment]]:
        """Yield the fragments that belong to the frame, each with its position in it."""
        for index, start in enumerate(self._starts):
            yield start, self._fragment(index)

    def _fragment(self, index: int) -> Fragment:
        begin, after = self._positions[index], index + 1
        size = (self._starts[after] if after < len(self._starts) else self._size) - self._starts[index]
        return Fragment(begin, begin + size)

    def _holding(self, position: int) -> tuple[int, Fragment]:
        """Return the fragment that holds a byte of the frame, and where it begins in the frame."""
        index = bisect_right(self._starts, position) - 1
        return self._starts[index], self._fragment(index)

    def _extend(self) -> bool:
        """Add the next fragment, unless another codestream begins there."""
        fragment = self._fragments.peek()
        if fragment is None or (self._starts and self._fragments.head().startswith(self._signatures)):
            return False
        self._positions.append(fragment.start)
        self._starts.append(self._size)
        self._size += fragment.stop - fragment.start
        self._fragments.take()
        return True

    def reaches(self, position: int) -> bool:
        """Tell whether the frame has at least so many bytes."""
        while self._size < position:
            if not self._extend():
                return False
        return True

    def size(self) -> int:
        """Return the length of the frame in bytes, all its fragments included."""
        while self._extend():
            pass
        return self._size

    def read(self, start: int, count: int) -> bytes:
        """Return bytes from a position on; fewer where the frame ends."""
        self.reaches(start + count)
        found, stop = b"", min(start + count, self._size)
        while start < stop:
            begin, fragment = self._holding(start)
            at = fragment.start + start - begin
            piece = self._window.read(at, min(at + stop - start, fragment.stop))
            found += piece
            start += len(piece)
        return found

    def fragment_end(self, position: int) -> int:
        """Return where the fragment ends that the byte before a position lies in."""
        self.reaches(position)
        begin, fragment = self._holding(position - 1)
        return begin + fragment.stop - fragment.start

    def find(self, pattern: re.Pattern[bytes], start: int, stop: int | None = None) -> int:
        r"""Return where a pattern of at most two bytes is found first, -1 if nowhere.

        Two bytes are looked for as ``\xff`` and another.
        """
        while self.reaches(start + 1) and (stop is None or start < stop):
            begin, fragment = self._holding(start)
            limit = fragment.stop if stop is None else min(fragment.stop, fragment.start + stop - begin)
            at = fragment.start + start - begin
            reach = min(limit, at + _STRETCH)
            buffer, base = self._window.of(at, reach)
            match = pattern.search(buffer, at - base, reach - base)
            if match:
                return match.start() + base - fragment.start + begin
            start = reach - fragment.start + begin
            if buffer[reach - base - 1] == 0xFF and pattern.match(self.read(start - 1, 2)):  # noqa: PLR2004
                return start - 1
        return -1
