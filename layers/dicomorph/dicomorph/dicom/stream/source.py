"""Bytes to read from at any position, whatever holds them."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | mmap.mmap

MAXIMUM_INFLATED_SIZE = 1 << 29
"""Bytes of the largest data set that is inflated, where nobody says otherwise."""


class Source(Protocol):
    """A DICOM file of known size.

    `window` is the only way in: a source in memory (or mapped into it) answers with all it
    has at once, a remote one with what was asked for, so the same walker serves both.
    """

    @property
    def size(self) -> int:
        """Length in bytes."""

    @property
    def scratch(self) -> Scratch:
        """Where what the file unfolds to is kept, such as a data set that it holds deflated."""

    @property
    def fragments(self) -> tuple[int, int] | None:
        """Where the value of encapsulated pixel data begins and ends; None where nobody has recorded it."""

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return a buffer and the position of its first byte.

        The buffer covers at least ``[start, min(start + length, size))``; slices of it are
        bytes.
        """

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the source."""

    def close(self) -> None:
        """Give back what the source holds. Closing twice is harmless."""


class Scratch(Protocol):
    """Where bytes lie for as long as somebody works on a file; the deployment says where.

    Parameters
    ----------
    largest_inflated : int
        Bytes of the largest data set that is inflated.
    """

    largest_inflated: int

    def keep(self, pieces: Iterable[bytes]) -> Source:
        """Return a source of all pieces; what it holds goes when it is closed or forgotten."""


class MemoryScratch:
    """The protocol `Scratch` in memory: for files that are there, too."""

    largest_inflated = MAXIMUM_INFLATED_SIZE

    def keep(self, pieces: Iterable[bytes]) -> Source:
        """Return a source of all pieces."""
        return BufferSource(b"".join(pieces), self)


class BufferSource:
    """A source whose bytes are all in memory, or mapped into it.

    Parameters
    ----------
    buffer : bytes or mmap.mmap
        The whole file.
    scratch : Scratch, optional
        Where what it unfolds to is kept; in memory by default.
    """

    fragments = None

    def __init__(self, buffer: Buffer, scratch: Scratch | None = None) -> None:
        self._buffer = buffer
        self.scratch = scratch or _MEMORY
        self.size = len(buffer)

    def window(self, start: int, length: int) -> tuple[Buffer, int]:  # noqa: ARG002 - the port's signature
        """Return the whole buffer."""
        return self._buffer, 0

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the source."""
        return self._buffer[start:stop]

    def close(self) -> None:
        """Unmap a mapped file."""
        if isinstance(self._buffer, mmap.mmap):
            self._buffer.close()


_MEMORY: Scratch = MemoryScratch()
