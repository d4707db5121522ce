"""Frames, their fragments and their offset tables after comments left them."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from itertools import pairwise

import pydicom
import pytest
from pydicom.encaps import generate_frames, get_frame

from dicomorph.dicom import encapsulated as cleaning
from dicomorph.dicom import fragments
from dicomorph.dicom.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import EXPLICIT, Element, encode, part10
from tests.support.codestreams import (
    BUNDLED,
    JPEG_2000,
    LENGTHS,
    PIXEL_DATA,
    SECRET,
    TABLE,
    encapsulated,
    even,
    file_of,
    fragments_of,
    jpeg,
    jpeg_2000,
    real_frame,
    segment,
    starts,
)
from tests.support.edits import WindowedSource, anonymized, modified, rewriter

COMMENT = segment(0xFE, SECRET + b"!")  # of an odd length
ICON = 0x00880200
KEPT_WITH_NAMES = {"Keep": ["IconImageSequence", "PatientName"]}
DIRTY, CLEAN = jpeg(head=COMMENT, between=COMMENT), jpeg()


def split(frame: bytes, size: int) -> list[bytes]:
    return [frame[at : at + size] for at in range(0, len(frame), size)]


def numbers(data: bytes, tag: int) -> list[int]:
    value = pydicom.dcmread(BytesIO(data))[tag].value or b""
    return list(struct.unpack(f"<{len(value) // 8}Q", value))


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("size", [2, 4, 6, 14, 100, 1000, 4000])
@pytest.mark.parametrize(
    ("syntax", "dirty", "clean"),
    [
        ("1.2.840.10008.1.2.4.50", even(DIRTY), CLEAN),
        (
            JPEG_2000,
            even(
                jpeg_2000(head=segment(0x64, b"\0\1" + SECRET + b"!"), tile=segment(0x64, b"\0\1" + SECRET))
            ),
            jpeg_2000(),
        ),
    ],
)
def test_a_comment_may_straddle_fragments(
    syntax: str,
    dirty: bytes,
    clean: bytes,
    size: int,
    table: bool,  # noqa: FBT001
) -> None:
    pieces = split(dirty, size) + split(even(clean), size) + split(dirty, size)
    firsts = [0, len(split(dirty, size)), len(pieces) - len(split(dirty, size))]
    offsets = [starts(pieces)[n] for n in firsts]
    output = anonymized(file_of(pieces, offsets if table else None, syntax=syntax))
    found_table, found = fragments_of(output)
    assert len(found) == len(pieces)
    assert {len(piece) % 2 for piece in found} == {0}
    assert found_table == ([starts(found)[n] for n in firsts] if table else [])
    bounds = [*firsts, len(found)]
    for first, last in pairwise(bounds):
        assert b"".join(found[first:last]) in {clean + bytes(n) for n in range(4)}
    assert pydicom.dcmread(BytesIO(output))[0x00280008].value == len(pieces), "what follows is in its place"
    assert 0xFFFCFFFC not in pydicom.dcmread(BytesIO(output))


def test_frames_that_need_nothing_stay_ranges_of_the_file() -> None:
    large = jpeg()[:-2] + bytes(1 << 16) + b"\xff\xd9"
    data = file_of([even(large)] * 20)
    script = rewriter({}).rewrite(BufferSource(data))
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 2000
    mixed = file_of([even(large)] * 10 + [even(DIRTY)] + [even(large)] * 10)
    script = rewriter({}).rewrite(BufferSource(mixed))
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 2000 + 2 * len(DIRTY)


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
def test_a_wrong_extended_table_goes_if_frames_moved(extended: tuple[list[int], list[int]]) -> None:
    output = pydicom.dcmread(BytesIO(anonymized(file_of([even(DIRTY), even(CLEAN)], extended=extended))))
    assert TABLE not in output
    assert LENGTHS not in output
    data = file_of([even(CLEAN), even(CLEAN)], extended=extended)
    assert numbers(anonymized(data), TABLE) == extended[0]


@pytest.mark.parametrize("offsets", [[0, 4], [8], [0, 0xFFFFFFFE], [2] * 1000])
def test_a_wrong_basic_table_is_emptied_if_frames_moved(offsets: list[int]) -> None:
    pieces = [even(DIRTY), even(CLEAN)]
    assert fragments_of(anonymized(file_of(pieces, offsets))) == ([], [even(CLEAN)] * 2)
    data = file_of([even(CLEAN)] * 2, offsets)
    assert fragments_of(anonymized(data)) == fragments_of(data)


def test_padding_fragments_and_empty_frames_stay() -> None:
    pieces = [b"", bytes(8), even(DIRTY), b"", bytes(6), b"", even(DIRTY), b""]
    found_table, found = fragments_of(anonymized(file_of(pieces, starts(pieces))))
    assert found == [even(CLEAN) if SECRET in piece else piece for piece in pieces]
    assert found_table == starts(found)


@pytest.mark.parametrize(
    "pieces",
    [
        [even(CLEAN), SECRET],
        [even(CLEAN), b"", SECRET, even(CLEAN)],
        [SECRET, even(CLEAN)],
        [bytes(8), SECRET, even(DIRTY)],
        [SECRET + CLEAN],
    ],
)
def test_fragments_of_unknown_content_beside_frames_are_refused(pieces: list[bytes]) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of(pieces))


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.102",
        "1.2.840.10008.1.2.4.107",
        "1.2.840.10008.1.2.4.110",
        "1.2.840.10008.1.2.8.1",
    ],
)
def test_other_codecs_are_not_looked_into(syntax: str) -> None:
    data = file_of([even(DIRTY), SECRET], syntax=syntax)
    assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2.1", EXPLICIT, "1.2.840.10008.1.2.4.201"])
def test_frames_are_known_by_what_they_begin_with(syntax: str) -> None:
    for dirty, clean in ((DIRTY, CLEAN), (jpeg_2000(head=segment(0x64, b"\0\1" + SECRET)), jpeg_2000())):
        assert fragments_of(anonymized(file_of([even(dirty)], syntax=syntax)))[1] == [even(clean)]


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


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_jpeg2k.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_real_files_come_out_with_the_frames_they_had(name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    assert fragments_of(anonymized(data)) == fragments_of(data)
    count = int(pydicom.dcmread(BytesIO(data)).get("NumberOfFrames", 1))
    output = pydicom.dcmread(BytesIO(anonymized(data)))
    assert len(list(generate_frames(output.PixelData, number_of_frames=count))) == count


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


def test_pixel_data_without_any_item_stay() -> None:
    body = encode([Element(0x00080018, "UI", "1.2.3"), Element(PIXEL_DATA, "OB", b"", undefined=True)])
    assert anonymized(part10(body, JPEG_2000)).endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")


@pytest.mark.parametrize("undefined", [False, True])
def test_icons_that_stay_lose_their_comments(undefined: bool) -> None:  # noqa: FBT001
    def file(frame: bytes) -> bytes:
        pixels = Element(PIXEL_DATA, "OB", encapsulated([even(frame)]), undefined=True)
        deeper = Element(ICON, "SQ", [[pixels]], undefined=undefined)
        items = [
            [pixels, Element(0x7FE10010, "LO", "behind")],
            [deeper],
            [Element(PIXEL_DATA, "OB", b"1234")],
        ]
        return part10(
            encode([Element(0x00080018, "UI", "1.2.3"), Element(ICON, "SQ", items, undefined=undefined)])
        )

    for body in ({"DicomVersion": "2008"}, {"Keep": ["IconImageSequence"]}, KEPT_WITH_NAMES):
        assert anonymized(file(DIRTY), **body) == anonymized(file(CLEAN), **body)
        assert CLEAN in anonymized(file(CLEAN), **body)
    assert ICON not in pydicom.dcmread(BytesIO(anonymized(file(DIRTY))))
    assert modified(file(DIRTY)).count(SECRET) == file(DIRTY).count(SECRET)


def test_a_byte_is_not_looked_for_behind_any_number_of_empty_fragments() -> None:
    def refused(half: int) -> bool:
        try:
            anonymized(file_of([DIRTY[:half], *[b""] * 5000, DIRTY[half:]]))
        except BadFileFormatError as error:
            return "empty fragments" in error.details
        return False

    assert refused(900) is not refused(901), "one of them leaves an odd number of bytes"
