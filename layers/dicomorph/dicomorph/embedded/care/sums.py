"""Comparing a file with what was recorded of it."""

from __future__ import annotations

import os
import zlib

_READ_AT_ONCE = 1 << 20


def crc32_of_file(descriptor: int) -> int:
    """Return the CRC-32 of an open file, from where it stands."""
    found = 0
    while data := os.read(descriptor, _READ_AT_ONCE):
        found = zlib.crc32(data, found)
    return found


def is_sound(path: str, size: int, crc32: int | None) -> bool:
    """Tell whether a file is what was recorded; without a checksum, the size counts."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.fstat(descriptor).st_size == size and crc32 in (None, crc32_of_file(descriptor))
    finally:
        os.close(descriptor)
