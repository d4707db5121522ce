"""Values whose VR is ``US or SS``: signed where the pixels are (PS3.5 section 6.2, PS3.6).

Which of both it is, PixelRepresentation says: that of the data set, or of the nearest one around
it that has one.
"""

from __future__ import annotations

from typing import Final

from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.values.numbers import pack_numbers
from dicomorph.model.resources import Json

US_OR_SS: Final = "US or SS"
# The number of entries and the bits of an entry are never negative (PS3.3 C.7.6.3.1.5, C.11.1.1).
_DESCRIPTORS = frozenset((*range(0x00281100, 0x00281104), *range(0x00281111, 0x00281114), 0x00283002))
_DESCRIPTOR_VALUES = 3


def may_depend_on_sign(tag: int, value: Json) -> bool:
    """Tell whether PixelRepresentation may decide how a value is written; it may for what items hold."""
    return isinstance(value, list) or is_private(tag) or vr_of(tag) == US_OR_SS


def is_signed(pixel_representation: bytes | Json) -> bool | None:
    """Return whether pixel values are signed, None where PixelRepresentation does not say.

    Parameters
    ----------
    pixel_representation : bytes or Json
        Its value in a file, or in a request.
    """
    if isinstance(pixel_representation, bytes):
        return any(pixel_representation) if pixel_representation else None
    first = (
        pixel_representation.partition("\\")[0].strip(" ") if isinstance(pixel_representation, str) else ""
    )
    return first.strip("+-0") != "" if first else None


def pack_pixel_values(tag: int, text: str, order: str, *, signed: bool | None) -> bytes:
    r"""Return the value of an element whose VR is ``US or SS``.

    Parameters
    ----------
    text : str
        Decimal numbers, separated by ``\``.
    order : str
        ``<`` or ``>``, as in `struct`.
    signed : bool or None
        Whether pixel values are; None where either will do.

    Raises
    ------
    ValueError
        If a number is none, or lies outside the VR.
    """
    if signed is None:
        try:
            return pack_pixel_values(tag, text, order, signed=False)
        except ValueError:
            return pack_pixel_values(tag, text, order, signed=True)
    vr = "SS" if signed else "US"
    if tag not in _DESCRIPTORS:
        return pack_numbers(text, vr, order, wraps=False)
    parts = text.split("\\", _DESCRIPTOR_VALUES)
    vrs = ("US", vr, "US", vr)
    return b"".join(pack_numbers(part, vr, order, wraps=False) for part, vr in zip(parts, vrs, strict=False))
