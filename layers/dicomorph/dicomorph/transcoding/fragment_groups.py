"""Which fragments of encapsulated pixel data belong to which frame (PS3.5 A.4)."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from dicomorph.dicom.frames.cleaners import Cleaners
from dicomorph.dicom.frames.fragments import Fragment, Fragments
from dicomorph.dicom.frames.image_pixel import ImagePixel
from dicomorph.transcoding.image_header import contradiction

_MOST_FRAGMENTS: Final = 1 << 22  # their positions are held in memory


class FragmentGroups:
    """The fragments of an image, told apart by the frames that they belong to.

    A table of offsets decides if it leads to fragments, and to as many as there are frames. Without
    one, or with another, a single frame has all fragments; of several, each has one, or what begins
    with a codestream up to the next that does.

    Parameters
    ----------
    fragments : Fragments
        At the first item, which is the Basic Offset Table.
    count : int
        How many frames there are.
    extended_table : bytes
        The value of the Extended Offset Table (7FE0,0001) in little endian; empty if there is none.
    transfer_syntax : str
        Of the data set.

    Raises
    ------
    BadFileFormatError
        If the fragments do not add up to the file.
    TranscodingError
        If they are not as many frames as there should be.
    """

    def __init__(self, fragments: Fragments, count: int, extended_table: bytes, transfer_syntax: str) -> None:
        self._starts, self._stops = array("Q"), array("Q")
        self._begins = Cleaners(transfer_syntax, ImagePixel).begins
        table = _basic_offset_table(fragments, count)
        heads = self._collect(fragments)
        self.firsts = (
            self._firsts_by(_numbers(extended_table, "Q"), count)
            or self._firsts_by(table, count)
            or self._firsts_by_beginnings(heads, count)
        )
        """The number of the fragment that each frame begins with."""

    def __len__(self) -> int:
        """Return how many frames there are."""
        return len(self.firsts)

    def of(self, frame: int) -> list[Fragment]:
        """Return the fragments of a frame, by its number from 0."""
        first = self.firsts[frame]
        stop = self.firsts[frame + 1] if frame + 1 < len(self.firsts) else len(self._starts)
        return [Fragment(self._starts[n], self._stops[n]) for n in range(first, stop)]

    def _collect(self, fragments: Fragments) -> array[int]:
        """Note where the fragments are; return the numbers of those that a codestream begins with."""
        heads = array("Q")
        while (fragment := fragments.peek()) is not None:
            if len(self._starts) == _MOST_FRAGMENTS:
                raise contradiction("there are too many fragments")
            if self._begins(fragments.head()):
                heads.append(len(self._starts))
            self._starts.append(fragment.start)
            self._stops.append(fragment.stop)
            fragments.take()
        return heads

    def _firsts_by(self, offsets: Sequence[int], count: int) -> Sequence[int] | None:
        """Return what a table says, None if it is not one of the beginnings of as many frames."""
        if len(offsets) != count or not self._starts or offsets[0] != 0:
            return None
        origin, firsts = self._starts[0], array("Q")
        for offset in offsets:
            number = bisect_left(self._starts, origin + offset)
            is_start = number < len(self._starts) and self._starts[number] == origin + offset
            if not is_start or (firsts and firsts[-1] >= number):
                return None
            firsts.append(number)
        return firsts

    def _firsts_by_beginnings(self, heads: array[int], count: int) -> Sequence[int]:
        if count == 1 and self._starts and len(heads) <= 1:
            return (0,)
        if len(heads) == count and heads[0] == 0:
            return heads
        filled = [n for n, start in enumerate(self._starts) if self._stops[n] > start]
        if len(filled) == count:
            return filled
        raise contradiction("they are not as many frames as there should be")


def _basic_offset_table(fragments: Fragments, count: int) -> Sequence[int]:
    """Take the first item, and return its numbers unless they are too many."""
    table = fragments.peek()
    fragments.take()
    if table is None or table.stop - table.start != 4 * count:
        return ()
    return _numbers(fragments.window.read(*table), "I")


def _numbers(value: bytes, code: str) -> Sequence[int]:
    return array(code, struct.unpack_from(f"<{len(value) // struct.calcsize('<' + code)}{code}", value))
