"""Offset tables after comments left the frames."""

from __future__ import annotations

import struct
from io import BytesIO

import pydicom
import pytest
from pydicom.encaps import get_frame

from tests.support.codestreams import (
    CLEAN,
    COMMENT,
    DIRTY,
    LENGTHS,
    TABLE,
    even,
    file_of,
    fragments_of,
    jpeg,
    starts,
)
from tests.support.edits import anonymized, modified


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
