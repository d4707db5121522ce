"""Whether a value is one that its VR can hold: text where there should be a number may name anybody.

What is no value of the VR to the letter, and is known to be written so, stays: numbers with too many
digits, in IS with decimals, ages without zeros in front, code strings in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from dicomorph.dicom.standard.code_strings import is_known_deviation

_NUMBER = rb" *+(?:[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+)?+ *+"
_NUMBERS = re.compile(rb"%s(?:\\%s)*+" % (_NUMBER, _NUMBER)).fullmatch
_AGE = rb" *+(?:[0-9]{1,4}[DWMYdwmy]?+)?+ *+"
_AGES = re.compile(rb"%s(?:\\%s)*+" % (_AGE, _AGE)).fullmatch
_UID = rb" *+[0-9.]{0,64}+[ \0]*+"
_UIDS = re.compile(rb"%s(?:\\%s)*+" % (_UID, _UID)).fullmatch
_CODE = rb" *+(?:[A-Z0-9_]{1,16}+|[A-Z0-9_][A-Z0-9_ ]{0,14}[A-Z0-9_])?+ *+"
_CODES = re.compile(rb"%s(?:\\%s)*+" % (_CODE, _CODE)).fullmatch

# Thousands of coordinates are looked at as a whole first: all are of digits, points and signs, with
# each minus at the beginning of one. Every other character becomes an x.
_LONG: Final = 64  # bytes
_SHAPES: Final = {**dict.fromkeys(b"0123456789", b"0"), **{byte: bytes((byte,)) for byte in b".-\\"}}
_PLAIN: Final = bytes.maketrans(
    bytes(range(256)),
    b"".join(_SHAPES.get(byte, b"x") for byte in range(256)),
)


def _are_numbers(raw: bytes) -> bool:
    raw = raw.rstrip(b" \0")
    if len(raw) > _LONG:
        shape = raw.translate(_PLAIN)
        points, values = shape.count(b"."), shape.count(b"\\") + 1
        if b"x" not in shape and b"0-" not in shape and points <= values:
            return True
    return _NUMBERS(raw) is not None


def _are_codes(raw: bytes) -> bool:
    raw = raw.rstrip(b" \0")
    if _CODES(raw) is not None:
        return True
    if not raw.isascii():
        return False
    values = (value.strip(b" \0") for value in raw.split(b"\\"))
    return all(_CODES(value) is not None or is_known_deviation(value.decode("ascii")) for value in values)


FITS: Final[dict[bytes, Callable[[bytes], bool]]] = {
    b"AS": lambda raw: _AGES(raw.rstrip(b" \0")) is not None,
    b"CS": _are_codes,
    b"DS": _are_numbers,
    b"IS": _are_numbers,
    b"UI": lambda raw: _UIDS(raw) is not None,
}
"""By VR, what tells whether a value with its padding is one; the other VRs hold anything, or no text."""
