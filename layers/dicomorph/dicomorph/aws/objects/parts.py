"""Cutting a file into the parts of a multipart upload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from dicomorph.aws.objects.part_plan import MOST_PARTS

PART_BYTES = 8 << 20
"""Bytes of an object that is uploaded as a whole, and of a part of a file."""


def part_size(size: int) -> int:
    """Return how large the parts of a file are: 8 MiB, unless that makes too many."""
    return max(PART_BYTES, -(-size // MOST_PARTS))


def file_parts(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the content of a file in parts of a size, the last one smaller."""
    file.seek(0)
    while data := file.read(size):
        yield data
