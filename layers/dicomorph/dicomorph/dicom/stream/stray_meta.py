"""Group 0002 once more, at the start of a data set, where some converters leave it (PS3.10 7.1)."""

from __future__ import annotations

import struct

from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.stream.elements import Encoding, read_element
from dicomorph.dicom.stream.source import Buffer

_GROUP = {order: struct.pack(order + "H", 0x0002) for order in "<>"}


def behind_stray_meta(buffer: Buffer, pos: int, *, orders: str) -> int:
    """Return where a data set begins behind elements that belong into the file meta information.

    What they say counts for nothing: the file meta information came first. They may be written
    as that is, or as the data set is.

    Parameters
    ----------
    orders : str
        The byte orders that they may have, as in `Encoding`.

    Raises
    ------
    BadFileFormatError
        If they do not add up to the buffer.
    """
    end = len(buffer)
    while pos + 8 <= end:
        order = next((order for order in orders if buffer[pos : pos + 2] == _GROUP[order]), None)
        if order is None:
            break
        vr = buffer[pos + 4 : pos + 6]
        encoding = Encoding(explicit=vr in SHORT_VRS or vr in LONG_VRS, order=order)
        pos = read_element(buffer, pos, end, encoding).stop
    return pos
