"""What is damaged in a file that can be stored: where it ends, so that the rest can be shown."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.elements import (
    UNDEFINED_LENGTH,
    Element,
    Encoding,
    IrregularError,
    encoding_inside,
    skip_undefined,
)
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.stream.whole_scan import scan_up_to_pixel_data, scan_whole
from dicomorph.model.errors import BadFileFormatError

DAMAGE = (BadFileFormatError, struct.error, IndexError)
"""What is raised where a structure does not add up; the last two past the end of a buffer."""


class TooManyError(BadFileFormatError):
    """There are more elements than memory allows."""


class EndlessError(BadFileFormatError):
    """It is not known where a damaged sequence ends: whatever holds it cannot be shown either."""


def in_order_if_sound(data: DataSetBytes) -> DataSetBytes:
    """Return a data set in order, or as it stands if it is damaged."""
    try:
        return in_order(data).data
    except BadFileFormatError:
        return data


def elements_up_to_damage(data: DataSetBytes, *, whole: bool, is_ordered: bool) -> Iterator[Element]:
    """Yield elements until there is none, where that lies behind all that an upload looks at.

    Parameters
    ----------
    is_ordered : bool
        Whether the data set was put in order before: what looks out of order then is damaged.
    """
    try:
        yield from scan_whole(data) if whole else scan_up_to_pixel_data(data)
    except BadFileFormatError as error:
        if isinstance(error, IrregularError) and not is_ordered:
            raise
        _check_header(data)


def _check_header(data: DataSetBytes) -> None:
    """Raise `BadFileFormatError` if a file is damaged before its pixel data: it cannot be stored."""
    for found in scan(data):
        if found.tag == PIXEL_DATA:
            return


def end_of_damaged(
    buffer: Buffer, sequence: tuple[bytes, int, int], end: int, encoding: Encoding, error: Exception
) -> int:
    """Return where a sequence ends whose items cannot be shown.

    Nothing is gone through twice for that: what has no end of its own inside has none around it.

    Parameters
    ----------
    sequence : tuple[bytes, int, int]
        Its VR, where its value begins, and its length.
    end : int
        Of what holds it; its own where its length is defined.
    encoding : Encoding
        Of the data set that it stands in.
    error : Exception
        What its items led to.

    Raises
    ------
    EndlessError
        If it is not known.
    """
    vr, value, length = sequence
    if length != UNDEFINED_LENGTH:
        return end
    if isinstance(error, EndlessError):
        raise error
    try:
        return skip_undefined(buffer, value, end, encoding_inside(vr, encoding, buffer, value, end))
    except DAMAGE as damage:
        raise EndlessError("A sequence has no end") from damage
