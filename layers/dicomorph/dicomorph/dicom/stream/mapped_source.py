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


class MappedSource:
    """A file that is mapped to be walked, and read where it is copied.

    Pages of a map count as memory of the process once they were touched. Whoever copies half a
    gigabyte out of it would touch them all; reading leaves them to the kernel.

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

    def __init__(self, descriptor: int, scratch: Scratch) -> None:
        self._descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)
        self.scratch = scratch
        self._mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        self.size = len(self._mapped)

    def window(self, start: int, length: int) -> tuple[Buffer, int]:  # noqa: ARG002 - the port's signature
        """Return the whole file, mapped."""
        return self._mapped, 0

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the file."""
        if stop - start < _COPIED_FROM:
            return self._mapped[start:stop]
        pieces = []
        while start < stop and (piece := os.pread(self._descriptor, stop - start, start)):
            pieces.append(piece)
            start += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Unmap and close the file."""
        self._mapped.close()
        self._close()
