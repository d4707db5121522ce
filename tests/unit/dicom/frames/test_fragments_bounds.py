"""How much of the frames is looked at and copied, whatever their size, number and damage."""

from __future__ import annotations

import random
from io import BytesIO

import pydicom
import pytest

from dicomorph.dicom.frames import encapsulated as cleaning
from dicomorph.dicom.frames import fragments
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from tests.support.codestreams import (
    CLEAN,
    COMMENT,
    DIRTY,
    SECRET,
    even,
    file_of,
    fragments_of,
    jpeg,
    jpeg_2000,
    real_frame,
    segment,
    split,
    starts,
)
from tests.support.edits import WindowedSource, anonymized, rewriter


def test_frames_that_need_nothing_stay_ranges_of_the_file() -> None:
    large = jpeg()[:-2] + bytes(1 << 16) + b"\xff\xd9"
    data = file_of([even(large)] * 20)
    script = rewriter({}).rewrite(BufferSource(data))
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 2000
    mixed = file_of([even(large)] * 10 + [even(DIRTY)] + [even(large)] * 10)
    script = rewriter({}).rewrite(BufferSource(mixed))
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 2000 + 2 * len(DIRTY)


@pytest.mark.parametrize("surplus", [0, 1, 100])
def test_a_moving_window_shows_enough(surplus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = even(jpeg_2000(tile=segment(0x64, b"\0\0A")))
    pieces = [*split(even(DIRTY), 102), even(CLEAN), *split(tiles, 50)]
    data = file_of(pieces)
    expected = anonymized(data)
    assert SECRET not in expected
    monkeypatch.setattr(fragments, "_STRETCH", 16)
    monkeypatch.setattr(cleaning, "_SHORT_RUN", 1)
    source = WindowedSource(data, surplus)
    assert rewriter({}).rewrite(source).join(source) == expected


def test_memory_stays_bounded_whatever_the_size() -> None:
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + bytes(8 << 20)
    data = file_of([even(jpeg()[:-2] + scan + COMMENT + scan + b"\xff\xd9")])
    source = WindowedSource(data)
    script = rewriter({}).rewrite(source)
    assert source.largest <= 1 << 20
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 8192
    assert SECRET not in script.join(source)


def test_many_empty_fragments_and_a_hostile_table_are_borne() -> None:
    pieces = [even(DIRTY), *[b""] * 50_000, even(DIRTY)]
    found = fragments_of(anonymized(file_of(pieces, list(range(0, 4000, 4)))))
    assert found == ([], [even(CLEAN), *[b""] * 50_000, even(CLEAN)])


def test_damage_never_leaves_a_comment() -> None:
    generator = random.Random(1)  # noqa: S311 - reproducible, no secret
    pieces = [even(DIRTY), *split(even(DIRTY), 300), even(real_frame("JPGExtended.dcm")[:3] + DIRTY[3:])]
    data = file_of(pieces, starts(pieces))
    first = data.index(b"\xe0\x7f\x10\x00")
    for _ in range(500):
        broken = bytearray(data)
        for _ in range(generator.randint(1, 3)):
            broken[generator.randrange(first, len(data))] = generator.choice((0, 1, 0xD8, 0xD9, 0xFE, 0xFF))
        try:
            output = anonymized(bytes(broken))
        except BadFileFormatError:
            continue
        pydicom.dcmread(BytesIO(output))
        assert output.count(SECRET) <= _hidden(bytes(broken[first:]))


def _hidden(value: bytes) -> int:
    """Return how many comments damage has made part of the image: their marker is gone."""
    return value.count(SECRET) - value.count(COMMENT)


def test_a_byte_is_not_looked_for_behind_any_number_of_empty_fragments() -> None:
    def refused(half: int) -> bool:
        try:
            anonymized(file_of([DIRTY[:half], *[b""] * 5000, DIRTY[half:]]))
        except BadFileFormatError as error:
            return "empty fragments" in error.details
        return False

    assert refused(900) is not refused(901), "one of them leaves an odd number of bytes"
