"""A file of which only those pages are in memory that a walk looks at."""

from __future__ import annotations

import mmap
import os
import weakref
from typing import TYPE_CHECKING

from dicomorph.dicom.stream.source import Buffer

if TYPE_CHECKING:
    from dicomorph.dicom.stream.source import Scratch

_COPIED_FROM = 1 << 16  # bytes; below, a call of the system costs more than the copy
_MAPPED = 16 << 20  # bytes; mapped anew costs microseconds, and what is behind leaves memory
_GRANULE = mmap.ALLOCATIONGRANULARITY


class MappedSource:
    """A file that is mapped to be walked, some of it at a time, and read where it is copied.

    Pages of a map count as memory of the process once they were touched. Whoever copies half a
    gigabyte out of it, or searches as much for where frames end, would touch them all.

    Parameters
    ----------
    descriptor : int
        Of the file, which must not be empty; closed with the source, when that is forgotten, or if it
        cannot be made.
    scratch : Scratch
        Where what the file unfolds to is kept.

    Raises
    ------
    OSError
        If it cannot be mapped.
    """

    fragments = None

    def __init__(self, descriptor: int, scratch: Scratch) -> None:
        self._descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)
        self.scratch = scratch
        self.size = os.fstat(descriptor).st_size
        self._mapped, self._start = self._map(0, _MAPPED)

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return a part of the file, mapped; it stays mapped for as long as the caller holds it."""
        stop = min(start + length, self.size)
        if not self._start <= start <= stop <= self._start + len(self._mapped):
            self._mapped, self._start = self._map(start, length)
        return self._mapped, self._start

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the file."""
        first = start - self._start
        if stop - start < _COPIED_FROM and first >= 0 and stop <= self._start + len(self._mapped):
            return self._mapped[first : stop - self._start]
        pieces = []
        while start < stop and (piece := os.pread(self._descriptor, stop - start, start)):
            pieces.append(piece)
            start += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Unmap and close the file."""
        self._mapped.close()
        self._close()

    def _map(self, start: int, length: int) -> tuple[mmap.mmap, int]:
        base = min(start, self.size - 1) // _GRANULE * _GRANULE
        size = min(max(start + length - base, _MAPPED), self.size - base)
        return mmap.mmap(self._descriptor, size, access=mmap.ACCESS_READ, offset=base), base
