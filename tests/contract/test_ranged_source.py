"""Reading an object of S3: the right bytes in any order, in few requests, and nothing long twice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomorph.aws.objects.source import RangedSource
from dicomorph.aws.objects.store import nameless_file
from dicomorph.aws.objects.stored_object import StoredObject
from dicomorph.dicom.stream.edit_script import EditedSource
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.model.resources import ObjectRef
from tests.support.edits import rewriter
from tests.support.large_files import JPEG, JPEG_2000, compressed_frame, encapsulated_file
from tests.support.open_files import open_files

MIB = 1 << 20
DATA = bytes(range(251)) * (24 * MIB // 251)


@dataclass
class Held:
    """An object in memory, and what was asked for of it."""

    data: bytes
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef("key", "", len(self.data))

    def fetch(self, start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(self.data)
        self.asked.append((start, stop))
        return self.data[start:stop]

    def received(self) -> int:
        return sum(stop - start for start, stop in self.asked)


def opened(held: Held, scratch: FileScratch | None = None) -> RangedSource:
    return RangedSource(cast("StoredObject", held), scratch or FileScratch(nameless_file))


_STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(st.integers(0, 2 * MIB), st.integers(0, len(DATA))),
        st.one_of(st.integers(1, 5000), st.integers(1, 9 * MIB)),
    ),
    max_size=25,
)


@settings(max_examples=20)
@given(_STEPS)
def test_any_reading_finds_what_is_there(steps: list[tuple[bool, int, int]]) -> None:
    held = Held(DATA)
    with closing(opened(held)) as source:
        for is_window, start, length in steps:
            stop = min(start + length, len(DATA))
            if is_window and start < stop:
                buffer, base = source.window(start, length)
                assert base <= start
                assert base + len(buffer) >= stop
                assert buffer[start - base : stop - base] == DATA[start:stop]
                assert len(buffer) <= 8 * MIB + max(length, 8 * MIB)
            else:
                assert source.read(start, start + length) == DATA[start:stop]


def test_who_goes_back_fetches_no_more_than_he_asks_for() -> None:
    held = Held(DATA)
    with closing(opened(held)) as source:
        source.window(0, 1)
        source.window(20 * MIB, 1000)
        source.window(2 * MIB, 1000)
        source.read(19 * MIB, 19 * MIB + 8)
    assert held.received() < MIB


def frames(syntax: str, size: int, megabytes: int, *, comment: bytes = b"") -> bytes:
    frame = compressed_frame(size, syntax, comment=comment)
    return encapsulated_file(frame, megabytes * MIB // len(frame), syntax, behind=b"behind")


def copied(data: bytes, *, anonymize: bool) -> Held:
    """Edit a file and read all of the output: what is new, and what stays."""
    held = Held(data)
    with closing(opened(held)) as source:
        source.window(0, 1)
        script = rewriter({}, anonymize=anonymize).rewrite(source)
        output = EditedSource(source, script)
        found = b"".join(output.read(at, at + 5 * MIB) for at in range(0, script.size, 5 * MIB))
        assert len(found) == script.size
    return held


def edits(data: bytes, *, anonymize: bool) -> Sequence[tuple[int, int]]:
    """Return what an edit asks for, before anything is copied."""
    held = Held(data)
    with closing(opened(held)) as source:
        source.window(0, 1)
        rewriter({}, anonymize=anonymize).rewrite(source)
    return held.asked


@pytest.mark.parametrize("anonymize", [True, False], ids=["anonymize", "modify"])
@pytest.mark.parametrize("size", [300 << 10, MIB])
def test_large_frames_are_jumped_from_header_to_header(size: int, *, anonymize: bool) -> None:
    asked = edits(frames(JPEG_2000, size, 20), anonymize=anonymize)
    count = 20 * MIB // size
    assert count - 10 < len(asked) < count + 10
    assert sum(stop - start for start, stop in asked) < 1.2 * MIB + count * 600


@pytest.mark.parametrize("syntax", [JPEG, JPEG_2000])
def test_small_frames_are_streamed_once(syntax: str) -> None:
    data = frames(syntax, 20_000, 20)
    asked = edits(data, anonymize=True)
    assert len(asked) < 40
    assert sum(stop - start for start, stop in asked) < len(data) + 2 * MIB


@pytest.mark.parametrize("syntax", [JPEG, JPEG_2000])
@pytest.mark.parametrize("size", [20_000, 300_000, 3 * MIB])
def test_what_is_cleaned_is_fetched_once(syntax: str, size: int) -> None:
    data = frames(syntax, size, 20, comment=b"PATIENT^SECRET")
    held = copied(data, anonymize=True)
    assert held.received() < len(data) + 2 * MIB
    assert len(held.asked) < 20 * MIB // size + 80


class FullScratch(FileScratch):
    """A place for files that is full after some bytes."""

    def open_file(self) -> int:
        return os.open("/dev/full", os.O_RDWR)


def test_without_room_it_is_fetched_as_often_as_it_is_needed() -> None:
    data = frames(JPEG, 20_000, 12, comment=b"PATIENT^SECRET")
    held = Held(data)
    with closing(opened(held, FullScratch(nameless_file))) as source:
        script = rewriter({}).rewrite(source)
        found = b"".join(script.chunks(source))
    assert len(found) == script.size
    assert held.received() > 1.5 * len(data)


def test_what_was_kept_goes_with_the_source() -> None:
    before = open_files()
    source = opened(Held(DATA))
    assert source.read(0, len(DATA)) == DATA
    assert source.read(5, 3 * MIB) == DATA[5 : 3 * MIB]
    assert len(open_files() - before) == 1
    source.close()
    source.close()
    assert open_files() <= before
