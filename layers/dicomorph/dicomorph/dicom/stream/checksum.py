"""The CRC-32 of what a source holds, and of what an edit script makes of it."""

from __future__ import annotations

import zlib

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.model.crc32 import with_other_head

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
    """Return the CRC-32 of what a script makes of a source, of which the end is not read.

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
        None where the output does not end as the source does, or ends so in a small part.
    """
    last = script.parts[-1] if script.parts else b""
    if not isinstance(last, tuple) or last[1] != source.size:
        return None
    tail = last[1] - last[0]
    if 2 * tail < script.size:
        return None
    new_head = crc32_of(output, 0, script.size - tail)
    return with_other_head(whole, crc32_of(source, 0, last[0]), new_head, tail)
