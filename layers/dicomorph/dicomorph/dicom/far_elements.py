"""The top-level elements of a data set one by one, those behind the pixel data included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dicomorph.dicom.elements import ITEM, SEQUENCE_DELIMITATION, Encoding, read_header
from dicomorph.dicom.header import PIXEL_DATA, Found, scan
from dicomorph.dicom.part10 import DataSetBytes
from dicomorph.dicom.source import Buffer, Source
from dicomorph.model.errors import BadFileFormatError

_WINDOW = 1 << 16
_LAST_TAG = 0xFFFFFFFF


class Window:
    """Reads ranges of a source, several short ones at once.

    Parameters
    ----------
    source : Source
        What to read from.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer: Buffer = b""
        self._base = 0

    def of(self, start: int, stop: int) -> tuple[Buffer, int]:
        """Return a buffer that covers a range, and the position of its first byte."""
        if not self._base <= start <= stop <= self._base + len(self._buffer):
            self._buffer, self._base = self._source.window(start, max(stop - start, _WINDOW))
        return self._buffer, self._base


def scan_whole(data: DataSetBytes) -> Iterator[Found]:
    """Yield all top-level elements.

    Raises
    ------
    BadFileFormatError
        If the elements do not add up to the file.
    """
    while True:
        behind = None
        for found in scan(data, last=_LAST_TAG):
            yield found
            if found.tag == PIXEL_DATA and found.undefined:
                behind = _fragments_end(data, found.value)
                break
        if behind is None:
            return
        data = replace(data, start=behind)


def _fragments_end(data: DataSetBytes, pos: int) -> int:
    """Return the position behind encapsulated pixel data, whose fragments stay unread (PS3.5 A.4)."""
    window, size = Window(data.source), data.source.size
    items = Encoding(explicit=False, order=data.encoding.order)
    while True:
        buffer, base = window.of(pos, min(pos + 8, size))
        tag, _, value, length = read_header(buffer, pos - base, len(buffer), items)
        if tag == SEQUENCE_DELIMITATION:
            return value + base
        if tag != ITEM or value + base + length > size:
            raise BadFileFormatError("The fragments of the pixel data do not add up")
        pos = value + base + length
