"""Run-length encoded frames for tests (PS3.5 annex G), with room for what does not belong there."""

from __future__ import annotations

import itertools
import struct

SYNTAX = "1.2.840.10008.1.2.5"


def runs(data: bytes) -> bytes:
    """Return data as runs, as long as they can be."""
    found, literal = b"", b""
    for value, group in itertools.groupby(data):
        count = len(list(group))
        while count > 1:
            found += _literal(literal) + bytes((257 - min(count, 128), value))
            count, literal = count - min(count, 128), b""
        literal += bytes((value,)) * count
    return found + _literal(literal)


def _literal(data: bytes) -> bytes:
    pieces = (data[at : at + 128] for at in range(0, len(data), 128))
    return b"".join(bytes((len(piece) - 1,)) + piece for piece in pieces)


def rle(
    *planes: bytes, gap: bytes = b"", tail: bytes = b"", unused: bytes = b"", first: bytes = b""
) -> bytes:
    """Return a frame of planes, one segment each.

    Parameters
    ----------
    gap, tail, first : bytes
        What lies behind each segment but the last, behind that one, and before the first.
    unused : bytes
        The offsets in the header that no segment has.
    """
    segments = [runs(plane) for plane in planes]
    segments = [each + b"\0" * (len(each) % 2) for each in segments]
    offsets, body = [], first
    for number, each in enumerate(segments):
        offsets.append(64 + len(body))
        body += each + (gap if number < len(segments) - 1 else tail)
    header = struct.pack(f"<I{len(offsets)}I", len(offsets), *offsets)
    return header + unused.ljust(64 - len(header), b"\0") + body
