"""Where the headers of a data set stand: a forgiving scan, so that mutations hit what matters."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.dicom_factory import BIG, IMPLICIT, UNDEFINED

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 20


class Header(NamedTuple):
    """An element's, an item's or a delimiter's header, by positions in the file."""

    start: int
    vr: int  # 0 where there is none
    length: int
    code: str  # of the length, as in `struct`
    stop: int  # of what the length speaks of; of the header where it is undefined


def headers(data: bytes, pos: int, syntax: str) -> list[Header]:
    """Return the headers at every depth, as far as they make sense."""
    return list(_scan(data, pos, len(data), syntax, 0))


def _scan(data: bytes, pos: int, end: int, syntax: str, depth: int) -> Iterator[Header]:
    order = ">" if syntax == BIG else "<"
    while pos + 12 <= end:
        group, element = struct.unpack_from(order + "HH", data, pos)
        tag = group << 16 | element
        vr = data[pos + 4 : pos + 6]
        if syntax == IMPLICIT or group == ITEM >> 16:
            header = Header(pos, 0, pos + 4, order + "I", pos + 8)
        elif vr in LONG_VRS:
            header = Header(pos, pos + 4, pos + 8, order + "I", pos + 12)
        else:
            header = Header(pos, pos + 4, pos + 6, order + "H", pos + 8)
        (length,) = struct.unpack_from(header.code, data, header.length)
        value = header.stop
        if length == UNDEFINED:  # what is inside follows in the same run
            yield header
            pos = value
            continue
        if value + length > end:
            return
        yield header._replace(stop=value + length)
        opens = tag == ITEM or vr == b"SQ" or (syntax == IMPLICIT and _opens(data, value, order))
        pos = value if opens and length and depth < _DEEPEST else value + length


def _opens(data: bytes, value: int, order: str) -> bool:
    """Tell whether an item begins here."""
    return data[value : value + 4] == struct.pack(order + "HH", 0xFFFE, 0xE000)
