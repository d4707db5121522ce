"""The top-level elements of a data set one by one, those behind the pixel data included."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.elements import Element
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import LAST_TAG, scan
from dicomorph.dicom.stream.windows import Window


def scan_whole(data: DataSetBytes, *, wanted: AbstractSet[int] | None = None) -> Iterator[Element]:
    """Yield all top-level elements.

    Parameters
    ----------
    wanted : AbstractSet[int], optional
        The tags to yield, PixelData among them; None for all. The others are still checked.

    Raises
    ------
    BadFileFormatError
        If the elements do not add up to the file.
    """
    while True:
        behind = None
        for found in scan(data, last=LAST_TAG, wanted=wanted):
            yield found
            if found.tag == PIXEL_DATA and found.undefined:
                behind = Window(data.source, found.value).end_of_fragments(found.value, data.encoding.order)
                break
        if behind is None:
            return
        data = replace(data, start=behind)
