"""Files made to fill what the engine remembers: its memory has a bound, and so has its time."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest

from tests.compat.plans import Request
from tests.dicom_factory import EXPLICIT, IMPLICIT, Element, encode, part10
from tests.fuzz.checks import MEMORY_RATIO, Judge

MEMORY_OF_TABLES = 48 << 20  # what all that is remembered of one file may take
SECONDS_PER_MEGABYTE = 10  # of work under a busy machine: a search that is not linear takes hours

REFERENCES, UID, CHARACTER_SET, PATIENT_ID = 0x00081140, 0x00081155, 0x00080005, 0x00100020
UNDEFINED = 0xFFFFFFFF


def in_items(*items: list[Element]) -> bytes:
    return part10(encode([Element(0x00080018, "UI", "1.2.3"), Element(REFERENCES, "SQ", list(items))]))


def character_sets() -> bytes:
    items = (
        [Element(CHARACTER_SET, "CS", f"ISO_IR {n:07}".encode()), Element(UID, "UI", "1.2")]
        for n in range(25_000)
    )
    return in_items(*items)


def identifiers() -> bytes:
    return in_items(*([Element(UID, "UI", f"1.2.{n}")] for n in range(60_000)))


def patients() -> bytes:
    return in_items(*([Element(PATIENT_ID, "LO", f"{n}")] for n in range(60_000)))


def short_sequences() -> bytes:
    return in_items(*([Element(REFERENCES, "SQ", [[Element(UID, "UI", f"1.2.{n}")]])] for n in range(30_000)))


def tags() -> bytes:
    numbers = (group << 16 | element for group in range(9, 19, 2) for element in range(0x1000, 0x4000))
    return in_items([Element(tag, "LO", "") for tag in numbers])


def nesting() -> bytes:
    opening = struct.pack("<HH2sxxIHHI", 0x0040, 0xA730, b"SQ", UNDEFINED, 0xFFFE, 0xE000, UNDEFINED)
    closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    item, end = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED), struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    inside = (item + opening * 30 + closing * 30 + end) * 600
    return part10(opening[:12] + inside + closing[8:], EXPLICIT)


def unknown_nesting() -> bytes:
    opening = struct.pack("<HHIHHI", 0x0008, 0x1140, UNDEFINED, 0xFFFE, 0xE000, UNDEFINED)
    closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return part10(opening + (opening * 29 + closing * 29) * 600 + closing, IMPLICIT)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [character_sets, identifiers, patients, short_sequences, tags, nesting, unknown_nesting],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("edition", ["2008", "2023b"])
def test_memory_and_time_are_bounded(edition: str, make: Callable[[], bytes]) -> None:
    data = make()
    judge = Judge(Request({"DicomVersion": edition, "KeepPrivateTags": True}))
    started = time.thread_time()
    assert judge._peak(data) < MEMORY_OF_TABLES + MEMORY_RATIO * len(data)
    assert time.thread_time() - started < SECONDS_PER_MEGABYTE * len(data) / 1e6
