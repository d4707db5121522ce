"""Data sets that other readers take for something else, and find there what is removed in ours.

Readers do not agree on how a data set is written whose transfer syntax does not say so, nor on the
items of an element of VR UN: some believe what is declared, some the first element. What is a
value to one is elements to the other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.standard.vrs import LONG_VRS
from dicomorph.dicom.stream.absent_vrs import is_absent, is_vr
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    ITEM,
    UNDEFINED_LENGTH,
    Encoding,
    StructureError,
    skip_undefined,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError

_MESSAGE = "The data set can be read in implicit and in explicit VR"
_HEADER, _LONG_HEADER = 8, 12  # bytes
_LOOKED_AT = 4096  # elements; a hidden data set is reached by few, and one of zeros has millions
_GROUP_OF_DELIMITERS = ITEM >> 16

_Read: TypeAlias = Callable[[int, int], bytes]


def may_be_read_otherwise(beginning: bytes, encoding: Encoding, declared: Encoding) -> bool:
    """Tell whether a data set must be looked at (`check_is_read_alike`), by its first eight bytes."""
    if encoding.explicit or declared.explicit:
        return encoding != declared
    return len(beginning) < _HEADER or not is_absent(beginning[4:6])


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
    if _is_ambiguous(Window(data_set).read, data_set.size, encoding, declared):
        raise BadFileFormatError(_MESSAGE)


def check_file_is_read_alike(data: DataSetBytes) -> None:
    """Raise `BadFileFormatError` as `check_is_read_alike`, for the data set of a file as it stands."""
    source, start = data.source, data.start
    if may_be_read_otherwise(source.read(start, start + _HEADER), data.encoding, data.declared):
        data_set = EditedSource(source, EditScript.of([(start, source.size)]))
        check_is_read_alike(data_set, data.encoding, data.declared)


def check_items_are_read_alike(items: bytes, encoding: Encoding) -> None:
    """Raise `StructureError` if a reader may find elements in items of VR UN that are none to us.

    Parameters
    ----------
    items : bytes
        The value of a sequence, with or without its delimiter.
    encoding : Encoding
        How they are written, in little endian.
    """
    other = encoding._replace(explicit=not encoding.explicit)
    tag_and_length = struct.Struct(encoding.order + "HHI").unpack_from
    pos, end = 0, len(items)
    while pos + _HEADER <= end:
        group, element, length = tag_and_length(items, pos)
        if group << 16 | element != ITEM:
            break
        pos += _HEADER
        stop = last = pos + length
        if length == UNDEFINED_LENGTH:
            stop = skip_undefined(items, pos, end, encoding, in_item=True)
            last = stop - DELIMITER_BYTES
        item = items[pos:last]
        # Readers that expect explicit VR take what does not look so for implicit VR, item by item.
        declared = encoding if is_absent(item[4:6]) and not encoding.explicit else other
        if _is_ambiguous(lambda start, upto, item=item: item[start:upto], len(item), encoding, declared):  # type: ignore[misc]
            raise StructureError(_MESSAGE)
        pos = stop


def _is_ambiguous(read: _Read, size: int, encoding: Encoding, declared: Encoding) -> bool:
    if encoding.explicit:
        return not declared.explicit and _fits_implicit(read, size)
    begins_explicitly = size >= _HEADER and not is_absent(read(4, 6))
    return (begins_explicitly and _shows_elements(read, size, declared.order, is_strict=False)) or (
        (begins_explicitly or declared.explicit)
        and _shows_elements(read, size, declared.order, is_strict=True)
    )


def _fits_implicit(read: _Read, size: int) -> bool:
    """Tell whether the lengths of the first two elements fit into a data set, in implicit VR."""
    pos = 0
    for _ in range(2):
        header = read(pos, min(pos + _HEADER, size))
        if len(header) < _HEADER:
            return bool(pos) and pos == size
        if int.from_bytes(header[:2], "little") == _GROUP_OF_DELIMITERS:
            return False
        pos += _HEADER + int.from_bytes(header[4:], "little")
    return pos <= size


def _shows_elements(read: _Read, size: int, order: str, *, is_strict: bool) -> bool:
    """Tell whether a reader that expects explicit VR comes upon an element of the standard.

    Parameters
    ----------
    is_strict : bool
        Whether the reader goes on in explicit VR where no VR stands, and takes those that it does
        not know for such with a length of 32 bits; the other one does neither.
    """
    unpack = struct.Struct(order + "HH2sH").unpack
    length_of_32 = struct.Struct(order + "I").unpack
    pos = 0
    for _ in range(_LOOKED_AT):
        header = read(pos, min(pos + _LONG_HEADER, size))
        if len(header) < _HEADER:
            return False
        group, element, vr, length = unpack(header[:_HEADER])
        tag = group << 16 | element
        is_known = is_vr(vr) and not is_private(tag) and vr_of(tag) != "UN"
        if pos and is_known:
            return True
        pos += _HEADER
        if vr in LONG_VRS or (is_strict and not is_vr(vr) and not is_absent(vr)):
            (length,) = length_of_32(header[_HEADER:].ljust(4, b"\0"))
            pos += _LONG_HEADER - _HEADER
        elif is_absent(vr) and not is_strict:
            (length,) = length_of_32(header[4:_HEADER])
        pos += length
    return False
