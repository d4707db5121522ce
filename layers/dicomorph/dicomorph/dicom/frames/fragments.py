"""Encapsulated pixel data as frames: the fragments, and each frame as one run of bytes (PS3.5 A.4)."""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from dicomorph.dicom.stream.elements import ITEM, SEQUENCE_DELIMITATION, UNDEFINED_LENGTH, TruncatedError
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError

ITEM_HEADER = 8
_HEAD = 8  # bytes; tells what a codestream is
_FIRST = (b"\xff", b"\0")  # what codestreams begin with
_STRETCH = 1 << 20  # bytes searched at a time


class Fragment(NamedTuple):
    """A fragment by the positions of its value in the file."""

    start: int
    stop: int


class FragmentSource(Protocol):
    """Fragments one after the other, and the file that they are in."""

    window: Window

    def peek(self) -> Fragment | None:
        """Return the next fragment, None if there is no other."""

    def take(self) -> None:
        """Step over the next fragment."""

    def head(self) -> bytes:
        """Return the first bytes of the next fragment."""


class BareValue:
    """A value of defined length, as if it were the only fragment.

    Parameters
    ----------
    window : Window
        The file.
    value : Fragment
        Where the value lies in it.
    """

    def __init__(self, window: Window, value: Fragment) -> None:
        self.window = window
        self._next: Fragment | None = value

    def peek(self) -> Fragment | None:
        """Return the value, None once it was taken."""
        return self._next

    def take(self) -> None:
        """Step over the value."""
        self._next = None

    def head(self) -> bytes:
        """Return the first bytes of the value."""
        if self._next is None:
            return b""
        return self.window.read(self._next.start, min(self._next.stop, self._next.start + _HEAD))


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
        self._head: bytes | None = None  # of the next fragment, once it was asked for

    def peek(self) -> Fragment | None:
        """Return the next fragment, None if there is no other."""
        return self._next

    def take(self) -> None:
        """Step over the next fragment."""
        if self._next is not None:
            self._next = self._at(self._next.stop)
            self._head = None

    def head(self) -> bytes:
        """Return the first bytes of the next fragment, with those behind it if it is shorter.

        Only as many as tell whether a codestream begins here; none does in an empty fragment.
        """
        if self._head is None:
            fragment, found = self._next, b""
            while fragment is not None and len(found) < _HEAD:
                stop = min(fragment.stop, fragment.start + _HEAD - len(found))
                found += self.window.read(fragment.start, stop)
                if len(found) == _HEAD or not found.startswith(_FIRST):
                    break
                fragment = self._at(fragment.stop)
            self._head = found
        return self._head

    def _at(self, pos: int) -> Fragment | None:
        """Return the fragment whose item begins at a position, None at the delimiter."""
        header = self.window.read(pos, pos + ITEM_HEADER)
        if len(header) < ITEM_HEADER:
            raise TruncatedError("The encapsulated pixel data are cut off")
        group, element, length = self._item.unpack(header)
        tag = group << 16 | element
        if tag == SEQUENCE_DELIMITATION:
            self.end, self.end_value = pos + ITEM_HEADER, length
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
    begins : Callable[[bytes], bool]
        Tells by its head whether a codestream begins with a fragment.
    """

    def __init__(self, fragments: FragmentSource, begins: Callable[[bytes], bool]) -> None:
        self._fragments = fragments
        self._begins = begins
        self._window = fragments.window
        self._size = 0
        self._starts = array("Q")  # of the fragments, within the frame
        self._positions = array("Q")  # of the same, in the file
        # The fragment at hand, within the frame, and what leads from there to the file.
        self._begin = self._end = self._shift = 0
        self._extend()

    def fragments(self) -> Iterator[tuple[int, Fragment]]:
        """Yield the fragments that belong to the frame, each with its position in it."""
        for index, start in enumerate(self._starts):
            yield start, self._fragment(index)

    def _fragment(self, index: int) -> Fragment:
        begin, after = self._positions[index], index + 1
        size = (self._starts[after] if after < len(self._starts) else self._size) - self._starts[index]
        return Fragment(begin, begin + size)

    def _turn_to(self, position: int) -> None:
        """Have the fragment at hand that holds a byte."""
        if not self._begin <= position < self._end:
            index = bisect_right(self._starts, position) - 1
            fragment, self._begin = self._fragment(index), self._starts[index]
            self._end = self._begin + fragment.stop - fragment.start
            self._shift = fragment.start - self._begin

    def _extend(self) -> bool:
        """Add the next fragment, unless another codestream begins there."""
        fragment = self._fragments.peek()
        if fragment is None or (self._starts and self._begins(self._fragments.head())):
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
        stop = start + count
        if self._begin <= start and stop <= self._end:
            return self._window.read(start + self._shift, stop + self._shift)
        self.reaches(stop)
        found, stop = b"", min(stop, self._size)
        while start < stop:
            self._turn_to(start)
            upto = min(stop, self._end)
            found += self._window.read(start + self._shift, upto + self._shift)
            start = upto
        return found

    def fragment_end(self, position: int) -> int:
        """Return where the fragment ends that the byte before a position lies in."""
        self.reaches(position)
        self._turn_to(position - 1)
        return self._end

    def find(self, pattern: re.Pattern[bytes], start: int, stop: int | None = None) -> int:
        r"""Return where a pattern of at most two bytes is found first, -1 if nowhere.

        Two bytes are looked for as ``\xff`` and another.
        """
        while self.reaches(start + 1) and (stop is None or start < stop):
            self._turn_to(start)
            shift = self._shift
            reach = shift + min(self._end if stop is None else min(stop, self._end), start + _STRETCH)
            buffer, base = self._window.of(start + shift, reach)
            match = pattern.search(buffer, start + shift - base, reach - base)
            if match:
                return match.start() + base - shift
            start = reach - shift
            if buffer[reach - base - 1] == 0xFF and pattern.match(self.read(start - 1, 2)):  # noqa: PLR2004
                return start - 1
        return -1
