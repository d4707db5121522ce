"""Tables of where frames begin in encapsulated pixel data, after some fragments have shrunk.

The Basic Offset Table is the first item of the pixel data (PS3.5 A.4), the Extended Offset Table
a pair of elements before it (PS3.3 C.7.6.3.1.8).
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from dicomorph.dicom.frames.fragments import ITEM_HEADER, Fragment
from dicomorph.dicom.stream.elements import ITEM, Encoding

EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00002
_OFFSET_SIZE = 4  # bytes, in a Basic Offset Table


class Moves:
    """Where the items of fragments were and are, counted from the first one behind the Basic Offset Table.

    Parameters
    ----------
    origin : int
        Where that one begins in the file.
    """

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._before = array("Q")
        self._end = 0
        self._shrunk = array("Q")  # which fragments shrank; the others only moved
        self._gone = array("Q")  # by how many bytes, with all before them
        self._cut = array("Q")  # how many were cut from each; padding makes the difference

    def keep(self, fragment: Fragment) -> None:
        """Note a fragment that keeps its size."""
        self._before.append(fragment.start - ITEM_HEADER - self._origin)
        self._end = fragment.stop - self._origin

    def shrink(self, fragment: Fragment, size: int, cut: int) -> None:
        """Note a fragment with its new size, and how much was cut."""
        gone = self._gone[-1] if self._gone else 0
        self._shrunk.append(len(self._before))
        self._gone.append(gone + fragment.stop - fragment.start - size)
        self._cut.append(cut)
        self.keep(fragment)

    def offset(self, before: int) -> int | None:
        """Return where the fragment at an offset is now, None if none was there."""
        index = bisect_left(self._before, before)
        if index == len(self._before) or self._before[index] != before:
            return None
        shrunk = bisect_left(self._shrunk, index)
        return before - self._gone[shrunk - 1] if shrunk else before

    def has_room_for(self, size: int, number_size: int = _OFFSET_SIZE) -> bool:
        """Tell whether there are enough fragments for a table of a size in bytes."""
        return size <= number_size * len(self._before)

    def may_be_size(self, size: int) -> bool:
        """Tell whether a number is the size of all fragments, of which each may be padded or not."""
        count = len(self._before)
        whole = self._end - ITEM_HEADER * count
        return whole - count <= size <= whole

    def are_starts(self, offsets: Sequence[int]) -> bool:
        """Tell whether offsets are those of fragments, in order, the first one among them."""
        if self.describes_all(offsets):
            return True
        ascending = all(one < other for one, other in pairwise(offsets))
        return ascending and offsets[0] == 0 and all(self.offset(before) is not None for before in offsets)

    def describes_all(self, offsets: Sequence[int]) -> bool:
        """Tell whether offsets are those of all fragments."""
        return array("Q", offsets) == self._before

    def sizes(self) -> Iterator[int]:
        """Yield how long the fragments were."""
        return (stop - start - ITEM_HEADER for start, stop in pairwise(chain(self._before, (self._end,))))

    def lengths(self, before: Sequence[int]) -> list[int]:
        """Return the lengths of frames, one fragment each, in place of the old ones."""
        sizes = list(self.sizes())
        counts_padding = all(length >= size for length, size in zip(before, sizes, strict=True))
        lengths, last_gone = list(before), 0
        for index, gone, cut in zip(self._shrunk, self._gone, self._cut, strict=True):
            new_size, last_gone = sizes[index] - gone + last_gone, gone
            if not cut:
                continue
            if counts_padding:
                lengths[index] = new_size
            elif lengths[index] >= sizes[index] - 1:
                lengths[index] -= cut
            else:  # it did not count what was cut at the end
                lengths[index] = min(lengths[index], new_size)
        return lengths


def is_right(table: bytes, moves: Moves, encoding: Encoding) -> bool:
    """Tell whether a Basic Offset Table says where fragments begin, in order, and nothing else."""
    return len(table) % _OFFSET_SIZE == 0 and moves.are_starts(_numbers(table, encoding, "I"))


def moved_basic_offset_table(table: bytes, moves: Moves, encoding: Encoding) -> bytes:
    """Return the item of a Basic Offset Table anew; it is empty where the old one missed a fragment.

    Parameters
    ----------
    table : bytes
        The value of the old one.
    """
    offsets = _moved(_numbers(table, encoding, "I"), moves)
    value = _packed(offsets or (), encoding, "I")
    return _packed((len(value),), encoding, "I").join((encoding.tag(ITEM), value))


def moved_extended_offset_table(
    offsets: bytes, lengths: bytes, moves: Moves, encoding: Encoding
) -> tuple[bytes, bytes] | None:
    """Return the values of an Extended Offset Table anew, None if the old one is wrong.

    Parameters
    ----------
    offsets, lengths : bytes
        The values of its two elements.
    """
    before, sizes = _numbers(offsets, encoding, "Q"), _numbers(lengths, encoding, "Q")
    is_right = len(offsets) == len(lengths) == 8 * len(before) and moves.describes_all(before)
    after = _moved(before, moves) if is_right else None
    if after is None or any(length > size for length, size in zip(sizes, moves.sizes(), strict=True)):
        return None
    return _packed(after, encoding, "Q"), _packed(moves.lengths(sizes), encoding, "Q")


def _moved(offsets: Sequence[int], moves: Moves) -> list[int] | None:
    found = [moves.offset(before) for before in offsets]
    after = [offset for offset in found if offset is not None]
    return after if len(after) == len(found) else None


def _numbers(value: bytes, encoding: Encoding, code: str) -> tuple[int, ...]:
    count = len(value) // struct.calcsize("<" + code)
    return struct.unpack_from(f"{encoding.order}{count}{code}", value)


def _packed(numbers: Sequence[int], encoding: Encoding, code: str) -> bytes:
    return struct.pack(f"{encoding.order}{len(numbers)}{code}", *numbers)
