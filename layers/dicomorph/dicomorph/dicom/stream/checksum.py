"""The CRC-32 of what a source holds, and of what an edit script makes of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from dicomorph.dicom.stream.edit_script import EditScript, parts_size
from dicomorph.dicom.stream.source import Source
from dicomorph.model.crc32 import Ends, with_other_ends

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
    while start < end:
        buffer, base = source.window(start, min(_AT_ONCE, end - start))
        last = min(end, base + len(buffer))
        with memoryview(buffer) as whole, whole[start - base : last - base] as view:
            found = zlib.crc32(view, found)
        start = last
    return found


def crc32_of_edited(source: Source, script: EditScript, whole: int, output: Source) -> int | None:
    """Return the CRC-32 of what a script makes of a source, of which the longest range is not read.

    It follows from what is recorded of the source. So where the source has changed since, the
    output does not have the checksum that is returned.

    Parameters
    ----------
    whole : int
        The recorded CRC-32 of the source.
    output : Source
        The output of the script.

    Returns
    -------
    int | None
        None where the range is a small part of either: reading the output costs no more then.
    """
    kept, start = max(_kept_ranges(script), default=((0, 0), 0), key=lambda found: found[0][1] - found[0][0])
    size = kept[1] - kept[0]
    if 2 * size < max(script.size, source.size):
        return None
    return with_other_ends(whole, _ends(source, *kept), _ends(output, start, start + size), size)


def _kept_ranges(script: EditScript) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield each range of the original, and where it begins in the output."""
    at = 0
    for part in script.parts:
        if isinstance(part, tuple):
            yield part, at
        at += parts_size((part,))


def _ends(source: Source, start: int, stop: int) -> Ends:
    return Ends(crc32_of(source, 0, start), crc32_of(source, stop), source.size - stop)
