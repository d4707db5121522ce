"""The CRC-32 of what a source holds: what is recorded of a file when it is stored."""

from __future__ import annotations

import zlib

from dicomorph.dicom.stream.source import Source

_AT_ONCE = 1 << 20


def crc32_of(source: Source, start: int = 0, stop: int | None = None) -> int:
    """Return the CRC-32 of a range of a source, a megabyte in memory at a time.

    Parameters
    ----------
    stop : int, optional
        Where the range ends; at the end of the source if it is not named.
    """
    end = source.size if stop is None else stop
    found = 0
    for at in range(start, end, _AT_ONCE):
        found = zlib.crc32(source.read(at, min(at + _AT_ONCE, end)), found)
    return found
