"""The top-level elements of a data set one by one, those behind the pixel data included or not."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.elements import Element, IrregularError
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import LAST_TAG, read_values, scan
from dicomorph.dicom.stream.windows import Window


def scan_whole(data: DataSetBytes, *, wanted: AbstractSet[int] | None = None) -> Iterator[Element]:
    """Yield all top-level elements.

    Parameters
    ----------
    wanted : AbstractSet[int], optional
        The tags to yield, PixelData among them; None for all. The others are still checked.

    Raises
    ------
    IrregularError
        If they are out of order, or one has no valid VR.
    BadFileFormatError
        If the elements do not add up to the file.
    """
    previous = -1
    while True:
        behind = None
        for found in scan(data, last=LAST_TAG, wanted=wanted, behind=previous):
            yield found
            if found.tag == PIXEL_DATA and found.undefined:
                behind = Window(data.source, found.value).end_of_fragments(found.value, data.encoding.order)
                break
        if behind is None:
            return
        data, previous = replace(data, start=behind), PIXEL_DATA


def scan_up_to_pixel_data(data: DataSetBytes) -> Iterator[Element]:
    """Yield the top-level elements up to the pixel data; errors as `scan_whole`.

    The element behind native pixel data is looked at, to tell whether it belongs before them; what
    stands behind encapsulated ones is not.
    """
    has_pixel_data = False
    for found in scan(data):
        yield found
        has_pixel_data = has_pixel_data or found.tag == PIXEL_DATA
    if not has_pixel_data:
        for _ in scan(data, last=LAST_TAG, wanted=frozenset()):
            pass


def read_values_in_order(
    data: DataSetBytes, wanted: AbstractSet[int], *, default_encoding: str
) -> dict[int, str]:
    """Return what `read_values` does, also of a data set whose elements are out of order."""
    try:
        for _ in scan_up_to_pixel_data(data):
            pass
    except IrregularError:
        data = in_order(data).data
    return read_values(data, wanted, default_encoding=default_encoding)
