"""Which elements are sequences although their VR does not say so, and which should be and are not."""

from __future__ import annotations

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.vrs import SHORT_VRS
from dicomorph.dicom.stream.elements import EXPLICIT_BIG, IMPLICIT_LITTLE, ITEM

# In big endian, what comes as UN should be in little endian (PS3.5 6.2.2), and may be in either.
_ITEM_TAGS = {"<": (IMPLICIT_LITTLE.tag(ITEM),), ">": (IMPLICIT_LITTLE.tag(ITEM), EXPLICIT_BIG.tag(ITEM))}
_SHORT_NUMBERS = {b"AT": 4, b"FL": 4, b"SL": 4, b"UL": 4, b"SS": 2, b"US": 2}  # bytes of each


def holds_items(tag: int, vr: bytes, beginning: bytes, order: str) -> bool:
    """Tell whether an element whose VR does not say so is a sequence; its length is defined.

    Parameters
    ----------
    tag, vr : int, bytes
        Of the element; no VR in implicit VR.
    beginning : bytes
        The first four bytes of the value. What the dictionary does not know, a private element
        above all, and numbers or short text under the tag of a sequence, are one if an item begins.
    order : str
        The byte order of the data set, as in `Encoding`.
    """
    known = vr_of(tag)
    if known == "SQ" and vr not in SHORT_VRS:
        return bool(beginning)
    return known in {"SQ", "UN"} and beginning in _ITEM_TAGS[order]


def is_no_sequence(tag: int, vr: bytes, length: int) -> bool:
    """Tell whether an element that holds no items should do so: then nothing says what its value is.

    A single number of up to four bytes is left alone: it is too short to name anybody.
    """
    return bool(length) and vr_of(tag) == "SQ" and length != _SHORT_NUMBERS.get(vr)
