r"""Values of elements as text, the way Orthanc shows them (spec 2.7)."""

from __future__ import annotations

import struct
from typing import Final

from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.numbers import NUMERIC_FORMATS

_TEXTS: Final = frozenset(vr.decode() for vr in TEXT_VRS)
# OW, OL and their like are numbers when they are written, but too many to show: binary.
_NUMBERS: Final = {vr: letter for vr, letter in NUMERIC_FORMATS.items() if vr[0] != "O"}
# As many digits as tell any two floating-point numbers apart; Orthanc shows these too.
_PRECISIONS: Final = {"f": "%.9g", "d": "%.17g"}


def is_readable(vr: str) -> bool:
    """Tell whether values of a VR are shown as text; the others are binary."""
    return vr in _TEXTS or vr in _NUMBERS or vr == "AT"


def readable(raw: bytes, vr: str, order: str, charset: CharacterSet) -> str | None:
    r"""Return a value as text, several values joined by ``\``; None for a number that is absent.

    Parameters
    ----------
    raw : bytes
        The value.
    vr : str
        A VR that `is_readable`.
    order : str
        ``<`` or ``>``, as in `struct`.
    charset : CharacterSet
        The character set of the data set.

    Examples
    --------
    >>> latin = CharacterSet.of("ISO_IR 100", default_encoding="Latin1")
    >>> readable(bytes([16, 0, 32, 0]), "AT", "<", latin), readable(b"1.2\0", "UI", "<", latin)
    ('0010,0020', '1.2')
    """
    if vr in _TEXTS:
        return charset.decode(raw, is_name=vr == "PN").rstrip(" \0")
    if vr == "AT":
        pairs = struct.iter_unpack(order + "HH", raw[: len(raw) // 4 * 4])
        return "\\".join(format_tag(group << 16 | element) for group, element in pairs) or None
    letter = _NUMBERS[vr]
    size = struct.calcsize("=" + letter)
    numbers = struct.iter_unpack(order + letter, raw[: len(raw) // size * size])
    pattern = _PRECISIONS.get(letter, "%d")
    return "\\".join(pattern % number for number in numbers) or None
