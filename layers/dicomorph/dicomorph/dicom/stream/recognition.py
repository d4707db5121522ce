"""How a data set is written: its first elements tell, where the transfer syntax does not (PS3.5 7.1)."""

from __future__ import annotations

import struct

from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.stream.absent_vrs import is_absent, is_vr
from dicomorph.dicom.stream.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    UNDEFINED_LENGTH,
    Encoding,
)
from dicomorph.dicom.stream.source import Buffer

_HEADER = 8  # bytes
_LOOKED_AT = 8  # elements, until one names a VR
_IMPLICIT = struct.Struct("<HHI").unpack_from


def encoding_of(buffer: Buffer, pos: int, end: int, declared: Encoding) -> Encoding:
    """Return how the data set at a position is written.

    Vendors and archives write implicit VR under transfer syntaxes of their own, and under that
    of the images that they compressed; some explicit VR under the UID of the implicit one.

    Parameters
    ----------
    buffer : bytes or mmap.mmap
        Holds the first elements.
    end : int
        Where the file ends, which may be behind the buffer.
    declared : Encoding
        What the transfer syntax says.
    """
    vr = buffer[pos + 4 : pos + 6]
    named = vr in SHORT_VRS or vr in LONG_VRS
    if (named and declared.explicit) or pos + _HEADER > len(buffer):
        return declared
    if not declared.explicit:
        length = buffer[pos + 6 : pos + 8]
        if (not named and length == bytes(2)) or _is_implicit(buffer, pos, end):
            return declared
        is_explicit = named or (is_absent(vr) and _names_vrs(buffer, pos, EXPLICIT_LITTLE))
        return EXPLICIT_LITTLE if is_explicit else declared
    if not is_absent(vr) or _names_vrs(buffer, pos, declared):
        return declared
    return IMPLICIT_LITTLE if _is_implicit(buffer, pos, end) else declared


def _names_vrs(buffer: Buffer, pos: int, encoding: Encoding) -> bool:
    """Tell whether one of the next elements names a VR, if they have lengths of 16 bits up to there."""
    header = struct.Struct(encoding.order + "HH2sH").unpack_from
    last = (-1, -1)
    for _ in range(_LOOKED_AT):
        if pos + _HEADER > len(buffer):
            return False
        *tag, vr, length = header(buffer, pos)
        if tuple(tag) <= last:
            return False
        if not is_absent(vr):
            return is_vr(vr)
        last = tuple(tag)
        pos += _HEADER + length
    return False


def _is_implicit(buffer: Buffer, pos: int, end: int) -> bool:
    """Tell whether the lengths of the first two elements fit into the file, in implicit VR."""
    group, _, length = _IMPLICIT(buffer, pos)
    if group == ITEM >> 16:
        return False
    if length == UNDEFINED_LENGTH:
        return True  # no VR begins with this byte
    pos += _HEADER + length
    if pos + _HEADER > end:
        return pos == end
    if pos + _HEADER > len(buffer):
        return True
    group, _, length = _IMPLICIT(buffer, pos)
    return bool(group != ITEM >> 16 and (length == UNDEFINED_LENGTH or pos + _HEADER + length <= end))
