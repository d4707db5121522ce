"""Numbers in requests to the bytes of the numeric VRs (PS3.5 section 6.2; spec 3.4)."""

from __future__ import annotations

import re
import struct
from typing import Final

# The letter of `struct` for one value of each numeric VR.
NUMERIC_FORMATS: Final = {
    "US": "H",
    "SS": "h",
    "UL": "I",
    "SL": "i",
    "UV": "Q",
    "SV": "q",
    "OW": "H",
    "OL": "I",
    "OV": "Q",
    "FL": "f",
    "FD": "d",
    "OF": "f",
    "OD": "d",
}
_PART = re.compile(r"(?<![^\\])[^\\]*")  # from the start, or from behind a backslash
_FLOATS = frozenset("fd")
_INTEGER = re.compile("[+-]?[0-9]{1,20}")
_DECIMAL = re.compile("[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]{1,4})?|[+-]?(?:inf|nan)")


def pack_numbers(text: str, vr: str, order: str, *, wraps: bool = True) -> bytes:
    r"""Return the value of a numeric VR.

    Parameters
    ----------
    text : str
        Decimal numbers, separated by ``\``.
    vr : str
        One of `NUMERIC_FORMATS`.
    order : str
        ``<`` or ``>``, as in `struct`.
    wraps : bool
        Whether a negative number stands for its two's complement in an unsigned VR, as in
        Orthanc: ``-1`` for US is 65535.

    Raises
    ------
    ValueError
        If a number is none, or lies outside the VR.
    """
    letter = NUMERIC_FORMATS[vr]
    pack = struct.Struct(order + letter).pack
    packed = bytearray()  # one number at a time: as objects, a long text of them takes 25 times its size
    try:
        for part in _PART.finditer(text):
            packed += pack(_number(part[0].strip(" "), letter, wraps=wraps))
    except (struct.error, OverflowError) as error:
        raise ValueError("out of range") from error
    return bytes(packed)


def _number(text: str, letter: str, *, wraps: bool) -> float:
    if letter in _FLOATS:
        if not _DECIMAL.fullmatch(text):
            raise ValueError("not a number")
        return float(text)
    if not _INTEGER.fullmatch(text):
        raise ValueError("not a whole number")
    number = int(text)
    bits = 8 * struct.calcsize("=" + letter)
    if wraps and letter.isupper() and -(1 << bits) < number < 0:
        return number + (1 << bits)
    return number
