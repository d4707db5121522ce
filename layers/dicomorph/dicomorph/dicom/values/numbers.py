"""Numbers in requests to the bytes of the numeric VRs (PS3.5 section 6.2; spec 3.4)."""

from __future__ import annotations

import itertools
import math
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
_AT_ONCE = 4096  # numbers: as objects, all those of a long text would take 25 times its size
# What int() and float() take beyond this is Python's alone: underscores, digits of other scripts.
_WHOLE = re.compile(r"[-+0-9 \\]*+")
_DECIMAL = re.compile(r"[-+0-9.eE \\]*+(?:(?:inf|nan)[-+0-9.eE \\]*+)*+")


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
    is_float = letter in "fd"
    if not (_DECIMAL if is_float else _WHOLE).fullmatch(text):
        raise ValueError("not a number")
    parts = (part[0] for part in _PART.finditer(text))
    packed = bytearray()
    while some := list(itertools.islice(parts, _AT_ONCE)):
        numbers = [_float(part) for part in some] if is_float else _integers(some, letter, wraps=wraps)
        try:
            packed += struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        except (struct.error, OverflowError) as error:
            raise ValueError("out of range") from error
    return bytes(packed)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number) and "inf" not in text:
        raise ValueError("out of range")
    return number


def _integers(parts: list[str], letter: str, *, wraps: bool) -> list[int]:
    numbers = [int(part) for part in parts]
    modulus = 1 << 8 * struct.calcsize("=" + letter)
    if wraps and letter.isupper() and -modulus < min(numbers) < 0:
        return [number + modulus if number < 0 else number for number in numbers]
    return numbers
