"""The VR of elements that come without one, as far as the dictionaries know it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from dicomorph.dicom.recoding.words import WORDS
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.private_dictionary import PrivateDictionary

US_OR_SS: Final = b"US or SS"
LONGEST_SHORT: Final = 0xFFFF
"""Bytes of the longest value whose length has 16 bits."""

_WELL_KNOWN = PrivateDictionary()
_ONE_ENTRY = 2  # bytes, of a LUT


@lru_cache(maxsize=4096)
def public_vr(tag: int, length: int) -> bytes:
    """Return the VR of an element that is not private, or `US_OR_SS`, which the data set decides.

    In implicit VR, pixel data, overlays, curves and waveforms are words (PS3.5 A.1), and a LUT is
    unless it has one entry (PS3.3 C.11.1.1.1).

    Examples
    --------
    >>> public_vr(0x7FE00010, 8), public_vr(0x00283006, 2), public_vr(0x00280106, 2)
    (b'OW', b'US', b'US or SS')
    """
    choice = vr_of(tag)
    if choice.endswith(" or OW"):
        return b"US" if choice == "US or OW" and length <= _ONE_ENTRY else b"OW"
    return choice.encode()


def private_vr(tag: int, length: int, creator: bytes) -> bytes:
    """Return the VR of a private element behind a private creator, or `US_OR_SS`.

    UN, if nobody knows it (PS3.5 6.2.2), or it is another one than the dictionary means.
    """
    found = _WELL_KNOWN.find(tag, creator.decode("latin-1"))
    vr = found.vr.encode() if found else b"UN"
    if vr == b"OB or OW":
        return b"OW"
    return b"UN" if length % WORDS.get(vr, 1) else vr
