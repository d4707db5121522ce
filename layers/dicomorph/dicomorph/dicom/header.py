"""Reading some top-level elements of a data set without looking at the others."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Set
from typing import NamedTuple

from dicomorph.dicom.charsets import CharacterSet
from dicomorph.dicom.elements import (
    IMPLICIT_LITTLE,
    ITEM,
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED_LENGTH,
    TruncatedError,
    format_tag,
    skip_undefined,
)
from dicomorph.dicom.item_edits import misplaced
from dicomorph.dicom.part10 import DataSetBytes
from dicomorph.dicom.source import Buffer
from dicomorph.model.errors import BadFileFormatError

PIXEL_DATA = 0x7FE00010
SPECIFIC_CHARACTER_SET = 0x00080005
_WINDOW = 1 << 16


class Found(NamedTuple):
    """An element at the top level, by positions in the data set's source."""

    tag: int
    vr: bytes
    start: int
    value: int
    stop: int
    undefined: bool


def scan(data: DataSetBytes, *, last: int = PIXEL_DATA, wanted: Set[int] | None = None) -> Iterator[Found]:
    """Yield the top-level elements, up to and including tag `last`, in the order of the file.

    Parameters
    ----------
    last : int
        Where to stop.
    wanted : Set[int], optional
        The tags to yield; None for all. The others are still checked.

    The stop of undefined-length pixel data is not searched for (it is the end of the file):
    ask the engine where the fragments end.

    Raises
    ------
    BadFileFormatError
        If the elements do not add up to the file.
    """
    source, encoding = data.source, data.encoding
    size, pos = source.size, data.start
    explicit = encoding.explicit
    unpack = struct.Struct(encoding.order + ("HH2sH" if explicit else "HHI")).unpack_from
    long_length = struct.Struct(encoding.order + "I").unpack_from
    buffer, base = source.window(pos, _WINDOW)
    covered = base + len(buffer)
    while pos < size:
        if pos + 12 > covered and covered < size:
            buffer, base = source.window(pos, _WINDOW)
            covered = base + len(buffer)
        if pos + 8 > size:
            message = "An element header is cut off"
            raise TruncatedError(message)
        vr, value = b"", pos + 8
        if explicit:
            group, element, vr, length = unpack(buffer, pos - base)
            if vr in LONG_VRS:
                if pos + 12 > size:
                    message = "An element header is cut off"
                    raise TruncatedError(message)
                (length,) = long_length(buffer, value - base)
                value += 4
            elif vr not in SHORT_VRS:
                message = f"{group:04x},{element:04x} has no valid VR"
                raise misplaced() if group == ITEM >> 16 else BadFileFormatError(message)
        else:
            group, element, length = unpack(buffer, pos - base)
        tag = group << 16 | element
        if tag > last:
            return
        undefined = length == UNDEFINED_LENGTH
        if undefined and tag == PIXEL_DATA:
            stop = size
        elif undefined:
            stop = _undefined_end(data, buffer, base, value, vr)
        else:
            stop = value + length
        if stop > size:
            message = f"{format_tag(tag)} is longer than the file"
            raise TruncatedError(message)
        if wanted is None or tag in wanted:
            yield Found(tag, vr, pos, value, stop, undefined)
        pos = stop


def _undefined_end(data: DataSetBytes, buffer: Buffer, base: int, pos: int, vr: bytes) -> int:
    """Return where a value of undefined length ends, in a window that doubles until it holds it."""
    inner = IMPLICIT_LITTLE if vr == b"UN" else data.encoding
    length = _WINDOW
    while True:
        end = base + len(buffer)
        try:
            return base + skip_undefined(buffer, pos - base, len(buffer), inner)
        except (BadFileFormatError, struct.error):
            if end >= data.source.size:
                raise
        length = max(length * 2, (end - pos) * 2)
        buffer, base = data.source.window(pos, min(length, data.source.size - pos))


def read_values(data: DataSetBytes, wanted: Set[int], *, default_encoding: str) -> dict[int, str]:
    """Return the decoded text of some top-level elements that are present; NULs and spaces remain."""
    character_set = CharacterSet.of(b"", default_encoding=default_encoding)
    values: dict[int, str] = {}
    for found in scan(data, last=max(wanted), wanted=wanted | {SPECIFIC_CHARACTER_SET}):
        if found.tag == SPECIFIC_CHARACTER_SET:
            raw = data.source.read(found.value, found.stop)
            character_set = CharacterSet.of(raw, default_encoding=default_encoding)
        elif found.tag in wanted:
            values[found.tag] = character_set.decode(data.source.read(found.value, found.stop))
    return values
