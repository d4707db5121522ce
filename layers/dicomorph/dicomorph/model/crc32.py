"""Arithmetic on CRC-32 checksums: those of joined bytes follow from those of their parts.

A CRC is the remainder of a division of polynomials over GF(2) by a generator, here that of ISO-HDLC
(as in zlib, PNG and S3) in reflected form: bit 31 stands for 1, bit 30 for x. What follows a
part multiplies its remainder by a power of x.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

_GENERATOR = 0xEDB88320
_ONE, _X = 1 << 31, 1 << 30
_ORDER = (1 << 32) - 1  # of x: the generator is primitive


def joined(first: int, second: int, second_size: int) -> int:
    """Return the checksum of bytes that are joined from two parts.

    Parameters
    ----------
    first, second : int
        The checksums of the parts.
    second_size : int
        Length of the second part in bytes.

    Examples
    --------
    >>> from zlib import crc32
    >>> joined(crc32(b"DI"), crc32(b"COM"), 3) == crc32(b"DICOM")
    True
    """
    return _product(_power(8 * second_size % _ORDER), first) ^ second


class Ends(NamedTuple):
    """The checksums of what stands before and behind a part of some bytes.

    Parameters
    ----------
    head, tail : int
        Checksums.
    tail_size : int
        In bytes.
    """

    head: int
    tail: int
    tail_size: int


def with_other_ends(whole: int, ends: Ends, new_ends: Ends, kept_size: int) -> int:
    """Return what the checksum of bytes becomes when others stand around a part that is kept.

    Parameters
    ----------
    whole : int
        The checksum of the bytes.
    ends, new_ends : Ends
        What is around the part, and what takes its place.
    kept_size : int
        Length of the part in bytes, which need not be known otherwise.

    Examples
    --------
    >>> from zlib import crc32
    >>> ends, new_ends = Ends(crc32(b"DI"), crc32(b"M"), 1), Ends(crc32(b"LO"), crc32(b"!"), 1)
    >>> with_other_ends(crc32(b"DICOM"), ends, new_ends, 2) == crc32(b"LOCO!")
    True
    """
    before = _product(_power(-8 * ends.tail_size % _ORDER), whole ^ ends.tail)
    return joined(joined(ends.head ^ new_ends.head, before, kept_size), new_ends.tail, new_ends.tail_size)


@lru_cache(maxsize=256)
def _power(exponent: int) -> int:
    """Return a power of x; the images of a series have pixel data of one length."""
    result, square = _ONE, _X
    while exponent:
        if exponent & 1:
            result = _product(square, result)
        square = _product(square, square)
        exponent >>= 1
    return result


def _product(one: int, other: int) -> int:
    """Return the remainder of a product."""
    result = 0
    while one:
        if one & _ONE:
            result ^= other
        one = one << 1 & 0xFFFFFFFF
        other = other >> 1 ^ (_GENERATOR if other & 1 else 0)
    return result
