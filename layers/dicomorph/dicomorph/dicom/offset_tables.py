"""Tables of where frames begin in encapsulated pixel data, after some fragments have shrunk.

The Basic Offset Table is the first item of the pixel data (PS3.5 A.4), the Extended Offset Table
a pair of elements before it (PS3.3 C.7.6.3.1.8).
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from dicomorph.dicom.elements import ITEM, Encoding
from dicomorph.dicom.fragments import ITEM_HEADER, Fragment

EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00002


class Moves:
    """Where the items of fragments were and are, counted from the first one behind the table.

    Parameters
    ----------
    origin : int
        Where that one begins in the file.
    """

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._before = array("Q")
        self._after = array("Q")
        self._sizes = array("Q")  # of the fragments, before
        self._new_sizes = array("Q")
        self._cut = array("Q")  # of which padding is no part
        self._moved = 0

    def keep(self, fragment: Fragment) -> None:
        """Note a fragment that keeps its size."""
        self.shrink(fragment, fragment.stop - fragment.start, 0)

    def shrink(self, fragment: Fragment, size: int, cut: int) -> None:
        """Note a fragment with its new size, and how much was cut; padding makes the difference."""
        before = fragment.start - ITEM_HEADER - self._origin
        self._before.append(before)
        self._after.append(before - self._moved)
        self._sizes.append(fragment.stop - fragment.start)
        self._new_sizes.append(size)
        self._cut.append(cut)
        self._moved += fragment.stop - fragment.start - size

    def offset(self, before: int) -> int | None:
        """Return where the fragment at an offset is now, None if none was there."""
        index = bisect_left(self._before, before)
        if index == len(self._before) or self._before[index] != before:
            return None
        return self._after[index]

    def extended_table(
        self, offsets: tuple[int, ...], lengths: tuple[int, ...]
    ) -> tuple[list[int], list[int]] | None:
        """Return an Extended Offset Table anew, None if it does not describe each fragment as a frame."""
        if list(offsets) != self._before.tolist() or len(lengths) != len(offsets):
            return None
        return self._after.tolist(), list(self._lengths(lengths))

    def _lengths(self, lengths: tuple[int, ...]) -> Iterator[int]:
        counts_padding = all(length >= size for length, size in zip(lengths, self._sizes, strict=True))
        for length, size, new_size, cut in zip(lengths, self._sizes, self._new_sizes, self._cut, strict=True):
            if not cut:
                yield length
            elif counts_padding:
                yield new_size
            elif length >= size - 1:
                yield length - cut
            else:  # it did not count what was cut at the end
                yield min(length, new_size)


def moved_basic_table(table: bytes, moves: Moves, encoding: Encoding) -> bytes:
    """Return the item of a Basic Offset Table anew; it is empty where the old one missed a fragment.

    Parameters
    ----------
    table : bytes
        The value of the old one.
    """
    offsets = [moves.offset(before) for before in _numbers(table, encoding, "I")]
    found = [offset for offset in offsets if offset is not None]
    value = _packed(found, encoding, "I") if len(found) == len(offsets) else b""
    return _packed([len(value)], encoding, "I").join((encoding.tag(ITEM), value))


def moved_extended_table(
    offsets: bytes, lengths: bytes, moves: Moves, encoding: Encoding
) -> tuple[bytes, bytes] | None:
    """Return the values of an Extended Offset Table anew, None if the old one is wrong.

    Parameters
    ----------
    offsets, lengths : bytes
        The values of its two elements.
    """
    found = moves.extended_table(_numbers(offsets, encoding, "Q"), _numbers(lengths, encoding, "Q"))
    return found and (_packed(found[0], encoding, "Q"), _packed(found[1], encoding, "Q"))


def _numbers(value: bytes, encoding: Encoding, code: str) -> tuple[int, ...]:
    count = len(value) // struct.calcsize("<" + code)
    return struct.unpack_from(f"{encoding.order}{count}{code}", value)


def _packed(numbers: list[int], encoding: Encoding, code: str) -> bytes:
    return struct.pack(f"{encoding.order}{len(numbers)}{code}", *numbers)
