"""Whether a value is one that its VR can hold: text where there should be a number may name anybody.

What is no value of the VR to the letter, and is known to be written so, stays: numbers with too many
digits, in IS with decimals, ages without zeros in front, code strings in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from dicomorph.dicom.standard.code_strings import is_known_deviation
from dicomorph.dicom.standard.vrs import SHORT_VRS, TEXT_VRS

_BINARY: Final = SHORT_VRS - TEXT_VRS
_NUMBER = rb" *+(?:[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+)?+ *+"
_NUMBERS = re.compile(rb"%s(?:\\%s)*+" % (_NUMBER, _NUMBER)).fullmatch
_AGE = rb" *+(?:[0-9]{1,4}[DWMYdwmy]?+)?+ *+"
_AGES = re.compile(rb"%s(?:\\%s)*+" % (_AGE, _AGE)).fullmatch
_UID = rb" *+[0-9.]{0,64}+[ \0]*+"
_UIDS = re.compile(rb"%s(?:\\%s)*+" % (_UID, _UID)).fullmatch
# Of dates and times only their characters: they are written in many ways, such as 1999.12.31.
_MOMENTS = re.compile(rb"[0-9.:+\- \\]*+").fullmatch
_CODE = rb" *+(?:[A-Z0-9_]{1,16}+|[A-Z0-9_][A-Z0-9_ ]{0,14}[A-Z0-9_])?+ *+"
_CODES = re.compile(rb"%s(?:\\%s)*+" % (_CODE, _CODE)).fullmatch

LONG_VALUE: Final = 256  # bytes
NUMERIC: Final = bytes(byte if byte in b"0123456789.-\\ " else 0 for byte in range(256))
"""What `bytes.translate` makes of numbers: themselves; of every other character something else.

Thousands of coordinates are looked at in this way, for any of `CHECKED`. It finds text at a hundredth
of the time of a regular expression, but not a date among them.
"""
_PRINTABLE = re.compile(rb"\0*+(?:[ -~]\0*+){3,}+").fullmatch


def _are_numbers(raw: bytes) -> bool:
    if len(raw) > LONG_VALUE and raw.translate(NUMERIC) == raw:
        return True
    return _NUMBERS(raw.rstrip(b" \0")) is not None


def _are_moments(raw: bytes) -> bool:
    return _MOMENTS(raw.rstrip(b" \0")) is not None


def _is_no_text(raw: bytes) -> bool:
    return _PRINTABLE(raw) is None


def _are_codes(raw: bytes) -> bool:
    raw = raw.rstrip(b" \0")
    if _CODES(raw) is not None:
        return True
    if not raw.isascii():
        return False
    values = (value.strip(b" \0") for value in raw.split(b"\\"))
    return all(_CODES(value) is not None or is_known_deviation(value.decode("ascii")) for value in values)


_FITS: Final[dict[bytes, Callable[[bytes], bool]]] = {
    b"AS": lambda raw: _AGES(raw.rstrip(b" \0")) is not None,
    b"CS": _are_codes,
    b"DA": _are_moments,
    b"DS": _are_numbers,
    b"DT": _are_moments,
    b"IS": _are_numbers,
    b"TM": _are_moments,
    b"UI": lambda raw: _UIDS(raw) is not None,
}
CHECKED: Final = frozenset(_FITS)
"""The VRs whose values are looked at; the others hold any text, or none."""


def fits(valid: bytes, vr: bytes) -> Callable[[bytes], bool]:
    """Return what tells whether a value, with its padding, is one of an attribute.

    Parameters
    ----------
    valid : bytes
        The VR of the attribute, one of `CHECKED`.
    vr : bytes
        That of the file, empty in implicit VR. Numbers in place of text, as some write them, are no text.
    """
    return _is_no_text if vr in _BINARY else _FITS[valid]
