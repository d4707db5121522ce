"""Encapsulated pixel data in items, such as those of icons: they are decoded.

PS3.5 A.4 has native ones in items under any transfer syntax, and encapsulated ones only in that of
the file; so those cannot stay when it changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.standard.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, NATIVE_TRANSFER_SYNTAXES
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    EXPLICIT_LITTLE,
    ITEM,
    MAXIMUM_DEPTH,
    UNDEFINED_LENGTH,
    Element,
    misplaced,
    read_element,
    read_header,
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.attributes import changed_pixels
from dicomorph.transcoding.frames import converted, frames_of
from dicomorph.transcoding.image_header import ImageHeader
from dicomorph.transcoding.native_writing import NativeWriting

# The header of encapsulated pixel data, in explicit VR or, within what came as UN, in implicit VR.
_ENCAPSULATED: Final = re.compile(rb"\xe0\x7f\x10\x00(?:O[BW]\0\0)?\xff{4}")
_LONGEST: Final = 12  # bytes of such a header
_PIECE: Final = 1 << 20  # bytes searched at a time
_LARGEST: Final = 1 << 26  # bytes of a sequence that is rewritten


def native_pixels_in_items(header: ImageHeader) -> dict[Element, bytes]:
    """Return what stands for sequences of a file in whose items there are encapsulated pixel data.

    Raises
    ------
    TranscodingError
        If they cannot be decoded.
    """
    data, rewritten = header.data, dict[Element, bytes]()
    last = header.elements[PIXEL_DATA].start if PIXEL_DATA in header.elements else data.source.size
    if data.transfer_syntax in NATIVE_TRANSFER_SYNTAXES or not _may_be_in(data.source, data.start, last):
        return rewritten
    for found in scan(data, last=PIXEL_DATA - 1):
        is_sequence = found.vr == b"SQ" or found.undefined
        if is_sequence and _may_be_in(data.source, found.value, found.stop):
            if found.vr != b"SQ" or found.stop - found.start > _LARGEST:
                raise TranscodingError("Encapsulated pixels in items cannot be decoded there")
            rewritten[found] = _Items(data).sequence(data.source.read(found.start, found.stop), 0)
    return rewritten


def _may_be_in(source: Source, start: int, stop: int) -> bool:
    """Tell whether something like the header of encapsulated pixel data lies in a range."""
    for at in range(start, stop, _PIECE):
        if _ENCAPSULATED.search(source.read(at, min(at + _PIECE + _LONGEST - 1, stop))):
            return True
    return False


class _Place(NamedTuple):
    """Where the elements of an item are."""

    start: int
    stop: int


class _Items:
    """Rewrites the items of sequences in explicit VR little endian, as all are of such files.

    Parameters
    ----------
    data : DataSetBytes
        The data set of the file.
    """

    def __init__(self, data: DataSetBytes) -> None:
        self._data = data

    def sequence(self, whole: bytes, depth: int) -> bytes:
        """Return a sequence element with native pixel data."""
        if depth > MAXIMUM_DEPTH:
            raise too_deep()
        found = read_element(whole, 0, len(whole), EXPLICIT_LITTLE)
        value = b"".join(
            self._item(whole[place.start : place.stop], depth) for place in _places(whole, found)
        )
        return EXPLICIT_LITTLE.element(found.tag, b"SQ", value)

    def _item(self, content: bytes, depth: int) -> bytes:
        if _ENCAPSULATED.search(content):
            parts = [self._element(content[found.start : found.stop], depth) for found in _elements(content)]
            content = b"".join(parts)
            if any(found.tag == PIXEL_DATA and found.undefined for found in _elements(content)):
                content = self._decoded(content)
        return EXPLICIT_LITTLE.tag(ITEM) + len(content).to_bytes(4, "little") + content

    def _element(self, whole: bytes, depth: int) -> bytes:
        is_sequence = whole[4:6] == b"SQ" and _ENCAPSULATED.search(whole)
        return self.sequence(whole, depth + 1) if is_sequence else whole

    def _decoded(self, content: bytes) -> bytes:
        """Return the elements of an item with native pixel data."""
        source = BufferSource(content, self._data.source.scratch)
        item = DataSetBytes(source, 0, EXPLICIT_LITTLE, self._data.transfer_syntax)
        header = ImageHeader.of(item)
        frames = frames_of(header)
        writing = NativeWriting(frames.pixels, EXPLICIT_VR_LITTLE_ENDIAN)
        with converted(frames, writing.encoded) as done:
            parts = writing.joined(done, source.scratch)
        elements = {
            found.tag: header.data.source.read(found.start, found.stop) for found in scan_whole(header.data)
        }
        for tag, change in changed_pixels(header, frames.pixels).items():
            elements.pop(tag, None)
            if change is not None:
                elements[tag] = EXPLICIT_LITTLE.element(tag, *change)
        pixels = EditScript.of(parts.parts).join(source)
        elements[PIXEL_DATA] = EXPLICIT_LITTLE.element(PIXEL_DATA, parts.vr, pixels)
        return b"".join(elements[tag] for tag in sorted(elements))


def _elements(content: bytes) -> Iterator[Element]:
    pos = 0
    while pos < len(content):
        found = read_element(content, pos, len(content), EXPLICIT_LITTLE)
        yield found
        pos = found.stop


def _places(whole: bytes, found: Element) -> Iterator[_Place]:
    """Yield where the elements of each item are."""
    pos, end = found.value, found.stop - (DELIMITER_BYTES if found.undefined else 0)
    while pos < end:
        tag, _, value, length = read_header(whole, pos, end, EXPLICIT_LITTLE)
        if tag != ITEM:
            raise misplaced()
        if length == UNDEFINED_LENGTH:
            pos = skip_undefined(whole, value, end, EXPLICIT_LITTLE, in_item=True)
            yield _Place(value, pos - DELIMITER_BYTES)
        else:
            pos = value + length
            yield _Place(value, min(pos, end))
