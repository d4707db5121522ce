"""Reading files into values by place, with a parser of the tests' own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.dicom_factory import BIG, IMPLICIT, UNDEFINED
from tests.profile.facts import vr_of
from tests.profile.objects import Key

_LONG = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Read(NamedTuple):
    """An element: its VR, its value (of a sequence: empty), and how many items a sequence has."""

    vr: str
    value: bytes
    items: int = 0


class Reading:
    """A file as it is.

    Parameters
    ----------
    data : bytes
        The file; it must be well-formed to its last byte.
    """

    def __init__(self, data: bytes) -> None:
        assert data[128:132] == b"DICM"
        self.data = data
        self.elements: dict[Key, Read] = {}
        self.implicit, self.order = False, "<"
        (length,) = struct.unpack_from("<I", data, 140)
        start = 144 + length
        self._data_set(132, start, ())
        self.meta = self.elements
        self.elements = {}
        syntax = self.meta[0x00020010,].value.rstrip(b"\0").decode("ascii")
        self.implicit, self.order = syntax == IMPLICIT, ">" if syntax == BIG else "<"
        stop = self._data_set(start, len(data), ())
        assert stop == len(data)

    def _data_set(self, at: int, stop: int, place: Key) -> int:
        before = -1
        while at < stop:
            group, element = struct.unpack_from(self.order + "HH", self.data, at)
            tag = group << 16 | element
            if tag == _ITEM_END:
                return at + 8
            assert tag > before, f"out of order or twice: {tag:08X}"
            before = tag
            at = self._element(at + 4, (*place, tag))
        assert at == stop
        return at

    def _element(self, at: int, key: Key) -> int:
        if self.implicit:
            vr = vr_of(key[-1]) or "UN"
            (length,) = struct.unpack_from("<I", self.data, at)
            at += 4
        else:
            vr = self.data[at : at + 2].decode("ascii")
            form, skip = ("I", 4) if vr in _LONG else ("H", 2)
            (length,) = struct.unpack_from(self.order + form, self.data, at + skip)
            at += skip + (4 if form == "I" else 2)
        if vr == "SQ":
            self.elements[key] = Read(vr, b"")
            at, count = self._items(at, length, key)
            self.elements[key] = Read(vr, b"", count)
            return at
        assert length != UNDEFINED, f"undefined length: {key[-1]:08X}"
        self.elements[key] = Read(vr, self.data[at : at + length])
        return int(at + length)

    def _items(self, at: int, length: int, key: Key) -> tuple[int, int]:
        stop = len(self.data) if length == UNDEFINED else at + length
        count = 0
        while at < stop:
            group, element, size = struct.unpack_from(self.order + "HHI", self.data, at)
            at += 8
            if group << 16 | element == _SEQUENCE_END:
                return at, count
            assert group << 16 | element == _ITEM
            at = self._data_set(at, stop if size == UNDEFINED else at + size, (*key, count))
            count += 1
        return at, count

    def data_sets(self) -> Iterator[Key]:
        """Return where data sets begin: the top level, and each item of each sequence."""
        yield ()
        for key, read in self.elements.items():
            for number in range(read.items):
                yield (*key, number)
