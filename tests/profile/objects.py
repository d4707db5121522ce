"""Instances of every SOP class, each attribute of the IOD filled with a value that stands nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TypeAlias

from pydicom._dicom_dict import DicomDictionary

from tests.dicom_factory import EXPLICIT, Element, encode, part10
from tests.profile.expectation import NEST
from tests.profile.facts import ROWS, UIDS_OF_CLASSES, Path, types, vr_of

Key: TypeAlias = tuple[int, ...]
"""Where an element stands: the tag of a sequence, the number of an item, and so on, at last its own tag."""

Value: TypeAlias = str | int | float | bytes | tuple[int, ...]

UID_ROOT = "1.2.826.0.1.3680043.9.7777"
A_CLASS = "1.2.840.10008.5.1.4.1.1.7"
UNKNOWN_SOP_CLASS = "1.2.826.0.1.3680043.9.7777.999.1"
SOP_CLASS_UID, SOP_INSTANCE_UID, PIXEL_DATA = 0x00080016, 0x00080018, 0x7FE00010
PER_FRAME = 0x52009230
DIRECTORY = "1.2.840.10008.1.3.10"
# Beside other pixels, or without any, files with these are refused.
_LEFT_OUT = {0x7FE00001, 0x7FE00002, 0x7FE00003, 0x7FE00008, 0x7FE00009, 0x00287FE0, 0x00282000}
_DOCUMENTS = {"2": "text/XML", "3": "model/stl", "4": "model/obj", "5": "model/mtl"}
# What says how to read the rest, and must be true at the top level.
_TRUE: dict[int, str | int | bytes] = {
    0x00080005: "ISO_IR 100",
    0x00080008: "ORIGINAL\\PRIMARY\\VOLUME\\NONE",
    0x00080060: "OT",
    0x00120062: "NO",
    0x00280002: 1,
    0x00280004: "MONOCHROME2",
    0x00280006: 0,
    0x00280008: "1",
    0x00280010: 2,
    0x00280011: 2,
    0x00280100: 8,
    0x00280101: 8,
    0x00280102: 7,
    0x00280103: 0,
    0x00280301: "NO",
    0x00280303: "UNMODIFIED",
    0x0040A040: "CONTAINER",
    0x00480010: "NO",
    0x60000010: 2,
    0x60000011: 2,
    0x60000100: 1,
    0x60000102: 0,
    0x54001004: 8,
    PIXEL_DATA: b"\x01\x02\x03\x04",
}
# The character set, and how to read what is binary.
_TRUE_EVERYWHERE = {0x00080005, 0x54001004, *range(0x00280002, 0x00280104)}
_DESCRIPTORS = {0x00281101, 0x00281102, 0x00281103, 0x00281111, 0x00281112, 0x00281113, 0x00283002}
_EIGHT_BYTES_OR_BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "SV", "UN", "UV"}


@dataclass
class Builder:
    """Builds one instance; every value has a number of its own.

    Parameters
    ----------
    sop_class : str
        Of the instance.
    depth : int
        How many sequences deep it goes.
    """

    sop_class: str
    depth: int = 99
    tokens: dict[str, Key] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)

    def data_set(self, path: Path = (), at: Key = (), more: frozenset[int] = frozenset()) -> list[Element]:
        """Return the elements of a data set of the IOD, in order, with some it may not define."""
        tags = sorted({*types().at(self.sop_class, path), *more} - _LEFT_OUT)
        return [element for tag in tags for element in self._element(path, (*at, tag))]

    def _element(self, path: Path, key: Key) -> Iterator[Element]:
        tag = key[-1]
        vr = vr_of(tag)
        if vr == "SQ":
            yield from self._sequence(path, key)
            return
        self.keys.append(key)
        if tag in _TRUE and (len(key) == 1 or tag in _TRUE_EVERYWHERE):
            yield Element(tag, "OB" if tag == PIXEL_DATA else vr, _TRUE[tag])
        elif key == (SOP_CLASS_UID,):
            yield Element(tag, vr, self.sop_class)
        elif key == (0x00420012,):
            yield Element(tag, vr, _DOCUMENTS.get(self.sop_class[-1], "application/pdf"))
        else:
            yield Element(tag, vr, self._value(key, vr))

    def _sequence(self, path: Path, key: Key) -> Iterator[Element]:
        if len(path) >= self.depth:
            return
        self.keys.append(key)
        inside = (*path, key[-1])
        # What no IOD defines there holds something all the same: a code, and who knows what.
        more = frozenset() if types().at(self.sop_class, inside) else frozenset({0x00080100, 0x00081155})
        count = 2 if key[-1] == PER_FRAME else 1
        items = [self.data_set(inside, (*key, number), more) for number in range(count)]
        yield Element(key[-1], "SQ", items)

    def _value(self, key: Key, vr: str) -> Value:
        number = len(self.keys)
        if key[-1] in _DESCRIPTORS:
            return (number + 1, 0, 16)
        value = value_of(key[-1], vr, number)
        if isinstance(value, str) and value != A_CLASS:
            self.tokens[value] = key
        elif isinstance(value, bytes):
            self.tokens[value[:9].decode("ascii")] = key
        return value


def value_of(tag: int, vr: str, number: int) -> Value:
    """Return a value that a VR can hold, another for each number below 9000."""
    token = f"ZQ{number:05d}QZ"
    day = (dt.date(1700, 1, 1) + dt.timedelta(days=number)).strftime("%Y%m%d")
    if vr == "UI":
        return A_CLASS if tag in UIDS_OF_CLASSES else f"{UID_ROOT}.{number}"
    if vr in _EIGHT_BYTES_OR_BULK:
        return token.encode().ljust(16, b"\0")
    texts = {
        "AS": f"{number % 80 + 1:03d}Y",
        "DA": day,
        "DS": f"7.19{number:05d}",
        "DT": f"{day}101112",
        "IS": f"1931{number:05d}",
        "PN": f"{token}^A",
        "TM": f"101112.{number:06d}",
        "UR": f"https://a.example/{token}",
    }
    numbers = {
        "AT": 0x00180000 + number,
        "FD": 1931.5 + number,
        "FL": 0.5 + number,
        "SL": 193100000 + number,
        "SS": number + 1,
        "UL": 193100000 + number,
        "US": number + 1,
    }
    return numbers[vr] if vr in numbers else texts.get(vr, token)


@dataclass(frozen=True)
class Built:
    """An instance.

    Parameters
    ----------
    sop_class : str
        Of it.
    elements : list[Element]
        What it holds.
    keys : list[Key]
        Where they stand, sequences before what is in them.
    tokens : Mapping[str, Key]
        Values that are found as bytes in every encoding, and where each stands.
    """

    sop_class: str
    elements: list[Element]
    keys: list[Key]
    tokens: Mapping[str, Key]

    def file(self, syntax: str = EXPLICIT) -> bytes:
        """Return the instance as a file."""
        instance = next(str(e.value) for e in self.elements if e.tag == SOP_INSTANCE_UID)
        body = encode(self.elements, syntax)
        return part10(body, syntax, instance=instance, sop_class=self.sop_class)


@lru_cache(maxsize=24)
def filled(sop_class: str, depth: int = 99) -> Built:
    """Return an instance with every attribute that its IOD defines down to a depth."""
    builder = Builder(sop_class, depth)
    return Built(sop_class, builder.data_set(), builder.keys, builder.tokens)


_NOT_IN_A_DATA_SET = 0x00080000
_PIXELS = 0x7FE0
_IDENTITY = frozenset({SOP_CLASS_UID, SOP_INSTANCE_UID, 0x0020000D, 0x0020000E, 0x00100010, 0x00100020})


@cache
def crowded(sop_class: str) -> Built:
    """Return an instance with every attribute of the table, at the top level and in a kept sequence."""
    return _with(sop_class, frozenset(tag for tag in ROWS if tag >= _NOT_IN_A_DATA_SET))


def overfull(sop_class: str) -> Built:
    """Return an instance with every attribute of PS3.6, at the top level and in a kept sequence."""
    tags = (tag for tag in DicomDictionary if tag >= _NOT_IN_A_DATA_SET and tag & 0xFFFF)
    return _with(sop_class, frozenset(tag for tag in tags if tag >> 16 not in {0xFFFE, _PIXELS}))


def _with(sop_class: str, more: frozenset[int]) -> Built:
    builder = Builder(sop_class, depth=2)
    top = builder.data_set(more=more | _IDENTITY)
    top = [element for element in top if element.tag != NEST]
    builder.keys = [key for key in builder.keys if key[0] != NEST]
    builder.keys.append((NEST,))
    item = builder.data_set((NEST,), (NEST, 0), more=more - {NEST})
    elements = sorted([*top, Element(NEST, "SQ", [item])], key=lambda element: element.tag)
    return Built(sop_class, elements, builder.keys, builder.tokens)
