"""The items of a sequence that is looked at before it is walked, or is none for all that is known."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    ITEM,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    StructureError,
    encoding_inside,
    misplaced,
    overrun,
    read_element,
    read_header,
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.source import Buffer


def items(buffer: Buffer, pos: int, end: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Yield where the elements of each item of a sequence begin and end.

    Parameters
    ----------
    pos, end : int
        Where the value of the sequence does, with its delimiter, if it has one.
    encoding : Encoding
        Of the items (`elements.encoding_inside`).

    Raises
    ------
    StructureError
        If there are none.
    """
    while pos < end:
        tag, _, start, length = read_header(buffer, pos, end, encoding)
        if tag == SEQUENCE_DELIMITATION:
            return
        if tag != ITEM:
            raise misplaced()
        if length == UNDEFINED_LENGTH:
            pos = skip_undefined(buffer, start, end, encoding, in_item=True)
            yield start, pos - DELIMITER_BYTES
        else:
            pos = start + length
            if pos > end:
                raise overrun()
            yield start, pos


def are_sound(buffer: Buffer, vr: bytes, encoding: Encoding) -> bool:
    """Tell whether a value is a sequence to its last byte, with all that is in it.

    Parameters
    ----------
    buffer : Buffer
        The value.
    vr : bytes
        That of the element, empty in implicit VR.
    encoding : Encoding
        Of the data set in which it stands.
    """
    try:
        _check(buffer, 0, len(buffer), encoding_inside(vr, encoding, buffer, 0, len(buffer)), 0)
    except (StructureError, struct.error, IndexError):
        return False
    return True


def _check(buffer: Buffer, pos: int, end: int, encoding: Encoding, depth: int) -> None:
    if depth > MAXIMUM_DEPTH:
        raise too_deep()
    for start, stop in items(buffer, pos, end, encoding):
        while start < stop:
            tag, vr, _, value, start, undefined = read_element(buffer, start, stop, encoding)  # noqa: PLW2901
            if vr == b"SQ" or undefined or holds_items(tag, vr, buffer[value : value + 4], encoding.order):
                inner = encoding_inside(vr, encoding, buffer, value, start)
                _check(buffer, value, start, inner, depth + 1)
