"""A range of the original of which some bits do not stay, such as those of overlays within pixels.

The bytes are read and masked when a script is carried out, a piece at a time, so that the script
stays as short for a gigabyte as for a kilobyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

Read: TypeAlias = Callable[[int, int], bytes]
"""Returns the bytes of the original from a position up to another."""

_PIECE = 1 << 18  # bytes; a whole number of cells of any size


class BitMask(NamedTuple):
    """What becomes of the bits of a cell, as PS3.5 8.1.1 calls the room for one sample.

    Parameters
    ----------
    size : int
        Of a cell, in bytes.
    order : str
        The byte order within a cell, ``little`` or ``big``.
    kept : int
        The bits that stay; the others become 0.
    sign : int
        The bit that is copied to all above it, 0 for none.
    """

    size: int
    order: Literal["little", "big"]
    kept: int
    sign: int = 0

    def masked(self, raw: bytes) -> bytes:
        """Return cells without the bits that go; bytes behind the last whole cell stay as they are."""
        count = len(raw) // self.size
        whole = count * self.size
        # All cells as one number: nothing is faster without a library for arrays.
        ones = int.from_bytes((1).to_bytes(self.size, self.order) * count, self.order)
        found = int.from_bytes(raw[:whole], self.order) & ones * self.kept
        if self.sign:
            position = self.sign.bit_length() - 1
            above = (1 << 8 * self.size) - (self.sign << 1)
            found |= (found >> position & ones) * above
        return found.to_bytes(whole, self.order) + raw[whole:]


@dataclass(frozen=True, slots=True)
class MaskedRange:
    """A part of an edit script: a range of the original, masked.

    Parameters
    ----------
    start, stop : int
        The range; cells begin at `start`.
    mask : BitMask
        What stays of each cell.
    """

    start: int
    stop: int
    mask: BitMask

    def chunks(self, read: Read) -> Iterator[bytes]:
        """Yield what the range becomes, piece by piece."""
        for start in range(self.start, self.stop, _PIECE):
            yield self.mask.masked(read(start, min(start + _PIECE, self.stop)))

    def read(self, read: Read, low: int, high: int) -> bytes:
        """Return a part of what the range becomes, by positions in it."""
        first = low - low % self.mask.size
        last = min(high + -high % self.mask.size, self.stop - self.start)
        inside = replace(self, start=self.start + first, stop=self.start + last)
        found = b"".join(inside.chunks(read))
        return found[low - first : high - first] if len(found) != high - low else found
