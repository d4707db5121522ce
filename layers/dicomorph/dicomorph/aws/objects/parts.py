"""Cutting what is to be stored into the parts of a multipart upload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import InternalError

PART_BYTES = 8 << 20
_MOST_PARTS = 10_000  # S3's limit


def part_size(size: int) -> int:
    """Return how large the parts of an object are: 8 MiB, unless that makes too many."""
    return max(PART_BYTES, -(-size // _MOST_PARTS))


def file_parts(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the content of a file in parts of a size, the last one smaller."""
    file.seek(0)
    while data := file.read(size):
        yield data


def edited_parts(source: Source, script: EditScript, size: int) -> Iterator[bytes]:
    """Yield the output of an edit script in parts of a size, the last one smaller.

    No more than one part is in memory, beside the new bytes, which the script holds anyway.
    """
    waiting = bytearray()
    for piece in _pieces(source, script, size):
        at = 0
        while len(waiting) + len(piece) - at >= size:
            stop = at + size - len(waiting)
            waiting += piece[at:stop]
            yield bytes(waiting)
            waiting.clear()
            at = stop
        waiting += piece[at:]
    if waiting:
        yield bytes(waiting)


def _pieces(source: Source, script: EditScript, size: int) -> Iterator[bytes]:
    for part in script.parts:
        if isinstance(part, bytes):
            yield part
            continue
        if not isinstance(part, tuple):
            yield from part.chunks(source.read)
            continue
        start, stop = part
        while start < stop:
            piece = source.read(start, min(stop, start + size))
            if not piece:
                raise InternalError("A range reaches behind the end of its object")
            yield piece
            start += len(piece)
