"""Data sets that other readers take for something else, and find there what is removed in ours.

Readers do not agree on how a data set is written whose transfer syntax does not say so: some
believe the UID, some the first element. What is a value to one is elements to the other.
"""

from __future__ import annotations

import struct

from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.standard.vrs import LONG_VRS
from dicomorph.dicom.stream.absent_vrs import is_absent, is_vr
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError

_HEADER, _LONG_HEADER = 8, 12  # bytes
_LOOKED_AT = 4096  # elements; a hidden data set is reached by few, and one of zeros has millions


def check_is_read_alike(data_set: Source, encoding: Encoding, declared: Encoding) -> None:
    """Raise `BadFileFormatError` if a reader may find elements in a data set that are none to us.

    Parameters
    ----------
    data_set : Source
        The data set and nothing else.
    encoding : Encoding
        How it is written.
    declared : Encoding
        What its transfer syntax says.
    """
    if encoding.explicit:
        is_ambiguous = not declared.explicit and _fits_implicit(data_set)
    else:
        is_ambiguous = not is_absent(data_set.read(4, 6)) or (
            declared.explicit and _shows_elements(data_set, declared)
        )
    if is_ambiguous:
        raise BadFileFormatError("The data set can be read in implicit and in explicit VR")


def _fits_implicit(data_set: Source) -> bool:
    """Tell whether the lengths of the first two elements fit into the data set, in implicit VR."""
    pos = 0
    for _ in range(2):
        header = data_set.read(pos, pos + _HEADER)
        if len(header) < _HEADER:
            return pos == data_set.size
        pos += _HEADER + int.from_bytes(header[4:], "little")
    return pos <= data_set.size


def _shows_elements(data_set: Source, encoding: Encoding) -> bool:
    """Tell whether a reader that expects explicit VR comes upon an element of the standard."""
    window = Window(data_set)
    unpack = struct.Struct(encoding.order + "HH2sH").unpack
    pos = 0
    for _ in range(_LOOKED_AT):
        if pos + _LONG_HEADER > data_set.size:
            return False
        header = window.read(pos, pos + _LONG_HEADER)
        group, element, vr, length = unpack(header[:_HEADER])
        tag = group << 16 | element
        if is_vr(vr) and not is_private(tag) and vr_of(tag) != "UN":
            return True
        pos += _HEADER
        if vr in LONG_VRS:
            (length,) = struct.unpack(encoding.order + "I", header[_HEADER:])
            pos += _LONG_HEADER - _HEADER
        pos += length
    return False
