"""Reading some top-level elements of a data set without looking at the others."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from dicomorph.dicom.standard.tags import PIXEL_DATA, SPECIFIC_CHARACTER_SET, format_tag
from dicomorph.dicom.standard.vrs import SHORT_VRS
from dicomorph.dicom.stream.elements import (
    ITEM,
    UNDEFINED_LENGTH,
    Element,
    TruncatedError,
    holds_fragments,
    misplaced,
    out_of_order,
    read_header,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.model.errors import BadFileFormatError

LAST_TAG = 0xFFFFFFFF
_LAST_ORDINARY = (ITEM & 0xFFFF0000) - 1  # behind it is the group of items and delimiters
_EXPLICIT = {order: struct.Struct(order + "HH2sH").unpack_from for order in "<>"}
_IMPLICIT = struct.Struct("<HHI").unpack_from


def scan(  # noqa: C901, PLR0912, PLR0915 - a hot loop, with a branch for each thing that may stand there
    data: DataSetBytes,
    *,
    last: int = PIXEL_DATA,
    wanted: AbstractSet[int] | None = None,
    behind: int = -1,
) -> Iterator[Element]:
    """Yield the elements at the top level, by positions in the source, up to and including tag `last`.

    The end of encapsulated pixel data is not searched for: theirs is the end of the file here
    (see `Window.end_of_fragments`).

    Parameters
    ----------
    last : int
        Where to stop.
    wanted : AbstractSet[int], optional
        The tags to yield; None for all. The others are still checked.
    behind : int
        The tag before the first element, where the scan does not begin at the beginning.

    Raises
    ------
    IrregularError
        If they are out of order, or one has no valid VR.
    BadFileFormatError
        If the elements do not add up to the file.
    """
    encoding = data.encoding
    window = Window(data.source, data.start)
    size, pos = window.size, data.start
    buffer, base, last_covered = window.buffer, window.base, window.last_header
    last_start = size - 8  # of an element
    explicit, unpack = encoding.explicit, _EXPLICIT[encoding.order]
    highest = min(last, _LAST_ORDINARY)
    while pos < size:
        if pos > last_covered:
            window.move(pos)
            buffer, base, last_covered = window.buffer, window.base, window.last_header
        if pos <= last_start:  # most elements need no closer look
            if explicit:
                group, element, vr, length = unpack(buffer, pos - base)
                is_short = vr in SHORT_VRS
            else:
                group, element, length = _IMPLICIT(buffer, pos - base)
                vr, is_short = b"", length != UNDEFINED_LENGTH
            tag = group << 16 | element
            if is_short and behind < tag <= highest and tag:
                behind = tag
                stop = pos + 8 + length
                if stop > size:
                    raise TruncatedError(f"{format_tag(tag)} is longer than the file")
                if wanted is None or tag in wanted:
                    yield Element(tag, vr, pos, pos + 8, stop, undefined=False)
                pos = stop
                continue
        try:
            tag, vr, value, length = read_header(buffer, pos - base, size - base, encoding)
        except BadFileFormatError:
            if window.only_padding_from(pos):  # some writers pad files
                return
            raise
        if tag > last:
            return
        if (not tag and not length) or tag == LAST_TAG:
            if window.only_padding_from(pos):
                return
            raise misplaced()
        if tag >> 16 == ITEM >> 16:
            raise misplaced()
        if tag <= behind:
            raise out_of_order(tag)
        behind = tag
        value += base
        undefined = length == UNDEFINED_LENGTH
        if not undefined:
            stop = value + length
        elif holds_fragments(tag, vr, encoding):
            stop = size
        else:
            stop = window.end_of_items(value, vr, encoding)
            buffer, base, last_covered = window.buffer, window.base, window.last_header
        if stop > size:
            raise TruncatedError(f"{format_tag(tag)} is longer than the file")
        if wanted is None or tag in wanted:
            yield Element(tag, vr, pos, value, stop, undefined)
        pos = stop


def read_values(data: DataSetBytes, wanted: AbstractSet[int], *, default_encoding: str) -> dict[int, str]:
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
