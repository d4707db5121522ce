"""Encapsulated pixel data: items of an even length, and the tables that lead to them."""

from __future__ import annotations

import struct
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate as encapsulate_by_pydicom
from pydicom.encaps import encapsulate_extended

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import BufferSource, MemoryScratch, Scratch
from dicomorph.transcoding.encapsulation import Encapsulated, encapsulate

DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
FRAMES = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=8)


def new_file() -> int:
    descriptor, path = tempfile.mkstemp()
    Path(path).unlink()
    return descriptor


def value_of(found: Encapsulated) -> bytes:
    whole = EditScript.of(found.parts.parts).join(BufferSource(b""))
    assert len(whole) == found.parts.size
    return whole


@given(FRAMES)
def test_frames_and_the_basic_table_are_those_of_pydicom(frames: list[bytes]) -> None:
    found = encapsulate(frames, MemoryScratch())
    assert value_of(found) == encapsulate_by_pydicom(frames, has_bot=True) + DELIMITER
    assert found.tables == {}
    assert found.size == sum(map(len, frames))


@given(FRAMES)
def test_frames_beyond_the_basic_table_get_the_extended_one(frames: list[bytes]) -> None:
    found = encapsulate(frames, MemoryScratch(), largest_offset=20)
    value, offsets, lengths = encapsulate_extended(frames)
    if struct.unpack_from("<Q", offsets, len(offsets) - 8)[0] <= 20:
        assert found.tables == {}
        return
    assert value_of(found) == value + DELIMITER
    assert found.tables == {0x7FE00001: (b"OV", offsets), 0x7FE00002: (b"OV", lengths)}


@pytest.mark.parametrize("scratch", [MemoryScratch(), FileScratch(new_file)], ids=["memory", "file"])
def test_frames_lie_where_the_scratch_says(scratch: Scratch) -> None:
    frames = [bytes([n]) * 400_001 for n in range(6)]
    value = value_of(encapsulate(iter(frames), scratch))
    assert value == encapsulate_by_pydicom(frames, has_bot=True) + DELIMITER
    offsets = struct.unpack_from("<6I", value, 8)
    assert all(other - one == 8 + 400_002 for one, other in pairwise(offsets))
