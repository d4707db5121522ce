"""The boxes of which files of JPEG 2000 and JPEG XL consist (ITU-T T.800 annex I, ISO/IEC 18181-2)."""

from __future__ import annotations

from typing import NamedTuple

from dicomorph.dicom.frames.codestreams import Codestream


class Box(NamedTuple):
    """A box by positions; the size of its length field, 0 where that says "to the end"."""

    kind: bytes
    start: int
    content: int
    stop: int
    length_size: int


def box_at(frame: Codestream, pos: int, end: int) -> Box | None:
    """Return the box at a position, None if there is none."""
    head = frame.read(pos, 16)
    length, kind = int.from_bytes(head[:4], "big"), head[4:8]
    content, length_size = pos + 8, 4
    if length == 0 and len(kind) == 4 and any(kind):  # noqa: PLR2004 - a type
        return Box(kind, pos, content, end, 0)
    if length == 1:
        length, content, length_size = int.from_bytes(head[8:], "big"), pos + 16, 8
    stop = pos + length
    return Box(kind, pos, content, stop, length_size) if content <= stop <= end else None
