"""New bytes of an edit script that are too many for memory, such as a data set that was deflated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dicomorph.dicom.stream.masked_range import Read
from dicomorph.dicom.stream.source import Source

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part of an edit script that is no part of the original: all bytes of another source.

    Parameters
    ----------
    source : Source
        Holds them for as long as there is the part.
    """

    source: Source

    @property
    def start(self) -> int:
        """Where the part begins in its source."""
        return 0

    @property
    def stop(self) -> int:
        """Where the part ends in its source."""
        return self.source.size

    def chunks(self, read: Read) -> Iterator[bytes]:  # noqa: ARG002 - as of other parts
        """Yield the bytes, piece by piece."""
        for start in range(0, self.source.size, _PIECE):
            yield self.source.read(start, min(start + _PIECE, self.source.size))

    def read(self, read: Read, low: int, high: int) -> bytes:  # noqa: ARG002 - as of other parts
        """Return some of the bytes."""
        return self.source.read(low, high)
