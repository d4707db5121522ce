"""Bytes to read from at any position, whatever holds them."""

from __future__ import annotations

import mmap
from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | mmap.mmap


class Source(Protocol):
    """A DICOM file of known size.

    `window` is the only way in: a source in memory (or mapped into it) answers with all it
    has at once, a remote one with what was asked for, so the same walker serves both.
    """

    @property
    def size(self) -> int:
        """Length in bytes."""

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return a buffer and the position of its first byte.

        The buffer covers at least ``[start, min(start + length, size))``; slices of it are
        bytes.
        """

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the source."""

    def close(self) -> None:
        """Give back what the source holds. Closing twice is harmless."""


class BufferSource:
    """A source whose bytes are all in memory, or mapped into it.

    Parameters
    ----------
    buffer : bytes or mmap.mmap
        The whole file.
    """

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
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
