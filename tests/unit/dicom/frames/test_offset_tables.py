"""Offset tables after comments left the frames."""

from __future__ import annotations

import struct
from io import BytesIO

import pydicom
import pytest
from pydicom.encaps import get_frame

from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element
from tests.support.codestreams import (
    CLEAN,
    COMMENT,
    DIRTY,
    LENGTHS,
    TABLE,
    encapsulated,
    even,
    file_of,
    fragments_of,
    jpeg,
    starts,
)
from tests.support.edits import anonymized, modified
from tests.support.images import Image, image_file


def numbers(data: bytes, tag: int) -> list[int]:
    value = pydicom.dcmread(BytesIO(data))[tag].value or b""
    return list(struct.unpack(f"<{len(value) // 8}Q", value))


@pytest.mark.parametrize("counts_padding", [True, False])
def test_an_extended_offset_table_follows(counts_padding: bool) -> None:  # noqa: FBT001
    frames = [DIRTY, CLEAN, jpeg(head=COMMENT * 2), CLEAN + b"\x01\x02", jpeg(tail=COMMENT)]
    pieces = [even(frame) for frame in frames]
    lengths = [len(each) for each in (pieces if counts_padding else frames)]
    output = anonymized(file_of(pieces, extended=(starts(pieces), lengths)))
    found = fragments_of(output)[1]
    assert numbers(output, TABLE) == starts(found)
    expected = [CLEAN, CLEAN, CLEAN, CLEAN + b"\x01\x02", CLEAN]
    assert numbers(output, LENGTHS) == [len(even(each) if counts_padding else each) for each in expected]
    dataset = pydicom.dcmread(BytesIO(output))
    table = (dataset[TABLE].value, dataset[LENGTHS].value)
    for n, frame in enumerate(expected):
        assert get_frame(dataset.PixelData, n, extended_offsets=table).rstrip(b"\0") == frame


@pytest.mark.parametrize(
    "extended",
    [([0, 1], [5, 5]), ([0], [5]), ([], []), ([0, 10**15], [5, 5]), ([0, len(even(DIRTY)) + 8], [5])],
)
def test_a_wrong_extended_table_goes(extended: tuple[list[int], list[int]]) -> None:
    for frames in ([even(DIRTY), even(CLEAN)], [even(CLEAN), even(CLEAN)]):
        data = file_of(frames, extended=extended)
        output = pydicom.dcmread(BytesIO(anonymized(data)))
        assert TABLE not in output
        assert LENGTHS not in output
        assert numbers(modified(data), TABLE) == extended[0]


@pytest.mark.parametrize("offsets", [[0, 4], [8], [0, 0xFFFFFFFE], [2] * 1000])
def test_a_wrong_basic_table_is_emptied(offsets: list[int]) -> None:
    for pieces in ([even(DIRTY), even(CLEAN)], [even(CLEAN)] * 2):
        data = file_of(pieces, offsets)
        assert fragments_of(anonymized(data)) == ([], [even(CLEAN)] * 2)
        assert fragments_of(modified(data)) == fragments_of(data)


TEXT = b"ZORBLATT^JOHANNA"  # as long as two numbers of an Extended Offset Table


@pytest.mark.parametrize("frames", [[even(CLEAN)] * 2, [even(DIRTY), even(CLEAN)]], ids=["clean", "dirty"])
@pytest.mark.parametrize(
    "table",
    [
        TEXT,
        TEXT[:8],
        TEXT[:4],
        TEXT[:6],  # no whole number of offsets
        struct.pack("<2I", 0, len(even(CLEAN)) + 8) + TEXT,
        struct.pack("<2I", len(even(CLEAN)) + 8, 0),
        struct.pack("<2I", 0, 0),
        TEXT * 5000,
    ],
)
def test_text_in_a_basic_table_leaves(table: bytes, frames: list[bytes]) -> None:
    value = encapsulated(frames)
    value = value[:4] + struct.pack("<I", len(table)) + table + value[8:]
    data = image_file(Image(), value, vr="OB", syntax=JPEG, undefined=True)
    assert table in modified(data)
    assert fragments_of(anonymized(data)) == ([], [even(CLEAN)] * 2)
    assert pydicom.dcmread(BytesIO(anonymized(data)))[0x00280010].value == Image().rows


@pytest.mark.parametrize(
    "fragments", [[even(CLEAN)] * 2, [even(CLEAN), b"", even(CLEAN)], [CLEAN[:500], even(CLEAN)[500:]]]
)
def test_a_table_of_frames_stays_as_it_is(fragments: list[bytes]) -> None:
    for offsets in (starts(fragments), [0], []):
        data = file_of(fragments, offsets)
        assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("vr", ["OV", "UN", "OB", "UV", "LO", "ST", "UC", "OW"])
@pytest.mark.parametrize("tag", [TABLE, LENGTHS, 0x7FE00003])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG])
def test_text_in_a_table_of_its_own_leaves(tag: int, vr: str, syntax: str) -> None:
    more = Element(tag, vr, TEXT)
    if syntax == JPEG:
        value = encapsulated([even(CLEAN)] * 2)
        data = image_file(Image(), value, more, vr="OB", syntax=syntax, undefined=True)
    else:
        data = image_file(Image(), Image().pixels(), more, syntax=syntax)
    output = pydicom.dcmread(BytesIO(anonymized(data)))
    assert tag not in output
    assert 0x7FE00010 in output
    assert tag in pydicom.dcmread(BytesIO(modified(data)))
    alone = image_file(Image(), None, more, syntax=syntax)
    assert tag not in pydicom.dcmread(BytesIO(anonymized(alone))), "there is nothing to point into"


@pytest.mark.parametrize("dirty", [False, True])
@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_the_length_of_all_fragments_stays_where_it_is_right(gone: int, dirty: bool) -> None:  # noqa: FBT001
    frames = [even(DIRTY if dirty else CLEAN), even(CLEAN)]
    length = sum(map(len, frames)) - gone
    more = Element(0x7FE00003, "UV", struct.pack("<Q", length))
    data = image_file(Image(), encapsulated(frames), more, vr="OB", syntax=JPEG, undefined=True)
    output = pydicom.dcmread(BytesIO(anonymized(data)))
    assert (0x7FE00003 in output) is (gone <= 2 and not dirty)


def test_text_in_the_delimiter_of_the_fragments_leaves() -> None:
    data = image_file(Image(), encapsulated([even(CLEAN)]), vr="OB", syntax=JPEG, undefined=True)
    assert data.endswith(bytes(4))
    assert anonymized(data[:-4] + b"ZORB") == anonymized(data)


def test_lengths_that_reach_beyond_a_fragment_are_none() -> None:
    pieces = [even(CLEAN)] * 2
    wrong = (starts(pieces), [len(pieces[0]), int.from_bytes(TEXT[:8], "little")])
    assert TABLE not in pydicom.dcmread(BytesIO(anonymized(file_of(pieces, extended=wrong))))
