"""Arithmetic on CRC-32 checksums: those of joined bytes follow from those of their parts.

A CRC is the remainder of a division of polynomials over GF(2) by a generator, here that of ISO-HDLC
(as in zlib, PNG and S3) in reflected form: bit 31 stands for 1, bit 30 for x. What follows a
part multiplies its remainder by a power of x.
"""

from __future__ import annotations

from functools import lru_cache

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


def with_other_head(whole: int, head: int, new_head: int, tail_size: int) -> int:
    """Return what the checksum of bytes becomes when others take the place of their first part.

    Parameters
    ----------
    whole, head, new_head : int
        The checksums of the bytes, of their first part, and of what replaces it.
    tail_size : int
        Length of the rest in bytes, which need not be known otherwise.
    """
    return joined(head ^ new_head, whole, tail_size)


@lru_cache(maxsize=256)
def _power(exponent: int) -> int:
    """Return a power of x; the images of a series end in pixel data of one length."""
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
