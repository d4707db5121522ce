"""The VR of elements that name none: blanks, NULs, ``??`` or lower case stand in its place (PS3.5 7.1.2)."""

from __future__ import annotations

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS


def is_vr(vr: bytes) -> bool:
    """Tell whether two bytes are a VR of the standard."""
    return vr in SHORT_VRS or vr in LONG_VRS


def is_absent(vr: bytes) -> bool:
    """Tell what is none from one that a later edition may define: two capital letters, with a 32-bit length.

    Examples
    --------
    >>> [is_absent(vr) for vr in (b"  ", bytes(2), b"??", b"pn", b"PN", b"ZZ")]
    [True, True, True, True, False, False]
    """
    return not (vr.isalpha() and vr.isupper())


def dictionary_vr(tag: int, *, is_signed: bool) -> bytes:
    """Return the VR that the standard gives a tag.

    Parameters
    ----------
    is_signed : bool
        Whether pixel values are, which decides on ``US or SS``.

    Examples
    --------
    >>> dictionary_vr(0x00280120, is_signed=True), dictionary_vr(0x7FE00010, is_signed=True)
    (b'SS', b'OW')
    """
    choice = vr_of(tag).split(" or ")
    if is_signed and "SS" in choice:
        return b"SS"
    return (choice[-1] if choice[0] == "OB" else choice[0]).encode()
