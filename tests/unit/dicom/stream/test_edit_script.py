"""Scripts of new bytes and of ranges, executed in each way."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.edit_script import EditedSource, EditScript, Part
from dicomorph.dicom.stream.source import BufferSource
from tests.support.edits import WindowedSource

ORIGINAL = bytes(range(256))


def ranges(pair: tuple[int, int]) -> tuple[int, int]:
    return min(pair), max(pair)


PARTS = st.lists(
    st.one_of(st.binary(max_size=9), st.tuples(st.integers(0, 256), st.integers(0, 256)).map(ranges)),
    max_size=6,
)


def expected(parts: list[Part]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else ORIGINAL[part[0] : part[1]] for part in parts)


@given(PARTS)
def test_every_executor_writes_the_same(parts: list[Part]) -> None:
    script = EditScript.of(parts)
    for source in (BufferSource(ORIGINAL), WindowedSource(ORIGINAL), WindowedSource(ORIGINAL, 5)):
        assert script.join(source) == b"".join(script.chunks(source)) == expected(parts)
        assert script.size == len(expected(parts))


@given(PARTS, st.integers(0, 400), st.integers(0, 400))
def test_an_output_can_be_read_before_it_is_written(parts: list[Part], start: int, stop: int) -> None:
    edited = EditedSource(BufferSource(ORIGINAL), EditScript.of(parts))
    assert edited.size == len(expected(parts))
    assert edited.read(start, stop) == expected(parts)[start:stop]
    assert edited.window(start, 7) == (expected(parts)[start : start + 7], start)


def test_a_mapped_original_can_be_closed_after_the_output_is_made(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(ORIGINAL)
    with path.open("rb") as file:
        source = BufferSource(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    assert EditScript.of([b"new", (3, 200)]).join(source) == b"new" + ORIGINAL[3:200]
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.read(0, 1)
