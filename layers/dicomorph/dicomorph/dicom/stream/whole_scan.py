"""The top-level elements of a data set one by one, those behind the pixel data included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.elements import Element
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.windows import Window

_LAST_TAG = 0xFFFFFFFF


def scan_whole(data: DataSetBytes) -> Iterator[Element]:
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
                behind = Window(data.source, found.value).end_of_fragments(found.value, data.encoding.order)
                break
        if behind is None:
            return
        data = replace(data, start=behind)
