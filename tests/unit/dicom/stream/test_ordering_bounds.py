"""What hostile or odd disorder costs, and what is left as it stands."""

from __future__ import annotations

import struct
from functools import partial

import pytest

from dicomorph.dicom.stream import ordering
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError, DicomorphError
from tests.dicom_factory import EXPLICIT, IMPLICIT, SYNTAXES, Element, encode, part10, rich, rich_file
from tests.support.edits import anonymized, edited, rewriter
from tests.support.growth import grows_with_its_size

LATE = Element(0x00080070, "LO", "late")
DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
END_OF_SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def ordered(data: bytes) -> bytes:
    found = in_order(open_dataset(BufferSource(data))).data
    return found.source.read(0, found.source.size)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_data_set_in_order_stays_as_it_is(syntax: str) -> None:
    data = open_dataset(BufferSource(rich_file(syntax=syntax)))
    found, origin = in_order(data)
    assert found.source.read(0, found.source.size) == data.source.read(data.start, data.source.size)
    assert list(origin.parts_of(0, origin.size)) == [(data.start, data.source.size)]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    "damage", [b"\0\0", b"no items at all!", struct.pack("<HHI", 0xFFFE, 0xE000, 99), DELIMITER * 2]
)
def test_a_sequence_that_does_not_add_up_stays_as_it_is(syntax: str, damage: bytes) -> None:
    for tag in (0x00081140, 0x00091010):
        body = [Element(tag, "SQ", damage), Element(0x00080060, "CS", "CT")]
        expected = [Element(0x00080060, "CS", "CT"), Element(tag, "SQ", damage)]
        assert ordered(part10(encode(body, syntax), syntax)) == encode(expected, syntax)


def test_delimiters_at_the_end_of_defined_lengths_do_not_hinder() -> None:
    late, early = encode([Element(0x00100020, "LO", "P1")]), encode([Element(0x00100010, "PN", "Doe")])

    def sequence(*elements: bytes) -> bytes:
        item = b"".join(elements) + DELIMITER
        items = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item + END_OF_SEQUENCE
        return encode([Element(0x00081140, "SQ", items)])

    assert ordered(part10(sequence(late, early))) == sequence(early, late)


def test_zeros_behind_a_file_out_of_order_are_padding() -> None:
    body = [*rich(), LATE]
    assert anonymized(part10(encode(body) + bytes(100))) == anonymized(part10(encode(body)))
    with pytest.raises(BadFileFormatError):
        anonymized(part10(encode(body) + bytes(100) + b"\1\0\0\0"))


def test_more_elements_than_memory_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "MOST_ELEMENTS", 20)
    items = [[Element(0x00100020, "LO", "P1"), Element(0x00100010, "PN", "Doe")] for _ in range(8)]
    regular = [list(reversed(item)) for item in items]
    assert ordered(part10(encode([Element(0x00081140, "SQ", items)])))
    for number, tag in ((9, 0x00081140), (9, 0x00091010)):
        body = [Element(tag, "SQ", [*items, *items][: number + 1])]
        with pytest.raises(BadFileFormatError, match="too many"):
            ordered(part10(encode(body)))
    # What is in order already takes no memory, however much of it there is.
    assert ordered(part10(encode([Element(0x00081140, "SQ", regular * 5), LATE])))


def disordered(kind: str, count: int) -> bytes:
    """Return a file out of order with `count` pieces of a kind in it."""
    late, nested = encode([LATE]), b""
    for _ in range(60):
        nested = encode(
            [Element(0x00081140, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(nested)) + nested)]
        )
    body = {
        "zeros": bytes(40 * count) + b"\1",
        "group lengths": encode([Element(0, "UL", 0)]) * count,
        "repeats": late * count,
        "nested": nested * (count // 50),
        "creators": encode(
            [Element(0x00290010 if n % 2 else 0x00291001, "LO", f"{n:06d}") for n in range(count)]
        ),
    }[kind]
    return part10(encode([Element(0x00100010, "PN", "Doe")]) + late + body)


@pytest.mark.parametrize("kind", ["zeros", "group lengths", "repeats", "nested", "creators"])
def test_hostile_disorder_takes_time_as_it_grows_and_no_more(kind: str) -> None:
    def edit(file: bytes) -> None:
        try:
            edited(file, rewriter({"KeepPrivateTags": True}))
        except DicomorphError:
            assert kind == "zeros"

    assert grows_with_its_size(edit, partial(disordered, kind), size=10_000)
