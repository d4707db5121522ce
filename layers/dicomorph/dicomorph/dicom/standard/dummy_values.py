"""Values that are valid for a VR and say nothing: what takes the place of one that goes (PS3.15 E.1.1).

The standard asks for a dummy of the same VR and names none; these are recognisable and constant.
"""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import Final

from dicomorph.dicom.standard.dictionary import vr_of

DUMMY_TEXT: Final = "ANONYMIZED"
DUMMY_URL: Final = "https://anonymized.invalid/"  # RFC 2606: no such host will ever be
_ITEM: Final = (0xFFFE, 0xE000)
# Of even length, padded as PS3.5 6.2 says.
_CONSTANTS: Final = MappingProxyType(
    {
        **dict.fromkeys((b"AE", b"CS", b"LO", b"LT", b"PN", b"SH", b"ST", b"UC", b"UT"), DUMMY_TEXT.encode()),
        b"UR": DUMMY_URL.encode() + b" ",
        b"UI": b"2.25.192374650817263549081726354908172635\0",
        b"AS": b"000Y",
        b"DA": b"19000101",
        b"DT": b"19000101000000",
        b"TM": b"000000",
        **dict.fromkeys((b"DS", b"IS"), b"0 "),
        **dict.fromkeys((b"OB", b"OW", b"SS", b"US"), bytes(2)),
        **dict.fromkeys((b"AT", b"FL", b"OF", b"OL", b"SL", b"UL"), bytes(4)),
        **dict.fromkeys((b"FD", b"OD", b"OV", b"SV", b"UV"), bytes(8)),
    }
)


def dummy_value(vr: bytes, order: str) -> bytes:
    """Return the dummy of a VR, of even length; nothing for ``UN``, of which nobody knows what is valid.

    That of a sequence is one item without attributes.

    Parameters
    ----------
    vr : bytes
        The VR.
    order : str
        ``<`` or ``>``, as in `struct`.
    """
    if vr == b"SQ":
        return struct.pack(order + "HHI", *_ITEM, 0)
    return _CONSTANTS.get(vr, b"")


def valid_vr(tag: int, vr: bytes) -> bytes:
    """Return the VR that the dictionary gives a tag: of several that of the file, or the first.

    Parameters
    ----------
    vr : bytes
        That of the file, which is returned where the dictionary knows none; empty in implicit VR.

    Examples
    --------
    >>> valid_vr(0x00100030, b"LO"), valid_vr(0x00280106, b"SS"), valid_vr(0x00091001, b"DS")
    (b'DA', b'SS', b'DS')
    """
    known = vr_of(tag)
    if known == "UN":
        return vr or b"UN"
    choices = known.encode("ascii").split(b" or ")
    return vr if vr in choices else choices[0]
