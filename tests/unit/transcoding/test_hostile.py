"""Files that lie: an error of ours, in bounded time and memory, or an image of the size that is declared."""

from __future__ import annotations

import struct
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomorph.model.errors import DicomorphError, TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from tests.dicom_factory import EXPLICIT, Element
from tests.support.codestreams import encapsulated, fragments_of, starts
from tests.support.images import Image, image_file
from tests.support.pixel_kinds import KINDS
from tests.support.transcoded import RLE, read, transcoded

GRAY = KINDS["8 bits"]
SIDE = 65535


@cache
def codestreams(syntax: str) -> list[bytes]:
    _, fragments = fragments_of(transcoded(GRAY.file(GRAY.array()), syntax))
    return fragments


def file_of(syntax: str, fragments: list[bytes], image: Image, *, table: bool = True) -> bytes:
    value = encapsulated(fragments, starts(fragments) if table else None)
    return image_file(image, value, vr="OB", syntax=syntax, undefined=True)


@pytest.mark.parametrize("frames", [3, 10**9, 2**31, 10**12 - 1])
def test_more_frames_than_there_are_fragments(frames: int) -> None:
    for table in (True, False):
        data = file_of(RLE, codestreams(RLE), Image(13, 18, bits=8, frames=frames), table=table)
        with pytest.raises(TranscodingError):
            transcoded(data, EXPLICIT)


@pytest.mark.parametrize(
    "kind", ["4.52", "4.92", "4.94", "4.100", "4.102", "4.107", "4.110", "4.112", "7.1", "8.1"]
)
def test_video_and_other_transfer_syntaxes_without_a_codec_are_neither_read_nor_written(kind: str) -> None:
    image, syntax = Image(13, 18, bits=8, frames=2), f"1.2.840.10008.1.2.{kind}"
    for target in (EXPLICIT, RLE):
        with pytest.raises(TranscodingError, match="cannot be decoded"):
            transcoded(file_of(syntax, codestreams(RLE), image), target)
    with pytest.raises(TranscodingError, match="cannot be written"):
        transcoded(image_file(image, bytes(image.size), vr="OB"), syntax)


def test_millions_of_frames_are_not_begun() -> None:
    image = Image(1, 1, bits=8, frames=(1 << 20) + 2)
    with pytest.raises(TranscodingError, match="more than"):
        transcoded(image_file(image, bytes(image.size), vr="OB"), RLE)


@pytest.mark.parametrize("frames", ["-1", "0x10", "1.5", "9" * 12, "2\\2", " ", "NaN", "1e3"])
def test_a_number_of_frames_that_is_none(frames: str) -> None:
    more = Element(0x00280008, "IS", frames)
    data = image_file(Image(13, 18, bits=8, frames=2), bytes(2 * 13 * 18), more, vr="OB")
    try:
        found = read(transcoded(data, RLE))
    except TranscodingError:
        return
    assert frames == "2\\2"
    assert len(fragments_of(transcoded(data, RLE))[1]) == 2
    assert found.Rows == 13


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("rows", "columns"), [(SIDE, SIDE), (SIDE, 18), (13, SIDE), (14, 18), (13, 17), (1, 1)]
)
def test_frames_of_another_size_than_is_declared(syntax: str, rows: int, columns: int) -> None:
    data = file_of(syntax, codestreams(syntax), Image(rows, columns, bits=8, frames=2))
    if syntax == RLE and rows * columns < 13 * 18:  # a segment does not say how large it is
        return
    with pytest.raises(TranscodingError):
        transcoded(data, EXPLICIT)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kept", [0, 2, 10, 40, 70])
def test_frames_that_are_cut_off(syntax: str, kept: int) -> None:
    whole = codestreams(syntax)
    data = file_of(syntax, [whole[0], whole[1][:kept]], Image(13, 18, bits=8, frames=2))
    with pytest.raises(TranscodingError):
        transcoded(data, EXPLICIT)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("columns", [18, 6])
def test_frames_of_other_samples_than_are_declared(syntax: str, columns: int) -> None:
    image = Image(13, columns, bits=8, frames=2, samples=3, colours="RGB")
    with pytest.raises(TranscodingError):
        transcoded(file_of(syntax, codestreams(syntax), image), EXPLICIT)


@pytest.mark.parametrize("syntax", [each for each in SYNTAXES if not each.endswith(".50")])
def test_frames_of_more_bits_than_are_declared(syntax: str) -> None:
    kind = KINDS["12 bits"]
    _, fragments = fragments_of(transcoded(kind.file(kind.array()), syntax))
    with pytest.raises(TranscodingError):
        transcoded(file_of(syntax, fragments, Image(13, 18, bits=8, frames=2)), EXPLICIT)


@pytest.mark.parametrize(
    "elements",
    [
        [(0x00280100, "US", 0)],
        [(0x00280100, "US", 12)],
        [(0x00280101, "US", 9)],
        [(0x00280101, "US", 0)],
        [(0x00280102, "US", 8)],
        [(0x00280102, "US", 6)],
        [(0x00280103, "US", 2)],
        [(0x00280002, "US", 0)],
        [(0x00280002, "US", 3)],
        [(0x00280002, "US", 65535)],
        [(0x00280004, "CS", "RGB")],
        [(0x00280004, "CS", "UNKNOWN")],
        [(0x00280010, "US", 0)],
        [(0x00280011, "US", 0)],
        [(0x00280010, "US", b"")],
        [(0x00280100, "US", b"")],
        [(0x00280004, "CS", "YBR_FULL"), (0x00280002, "US", 3), (0x00280006, "US", 2)],
    ],
)
def test_attributes_that_contradict_each_other(elements: list[tuple[int, str, int | str | bytes]]) -> None:
    more = [Element(*each) for each in elements]
    data = image_file(Image(13, 18, bits=8), bytes(13 * 18 * 3), *more, vr="OB")
    with pytest.raises(TranscodingError):
        transcoded(data, RLE)


def test_many_empty_fragments_cost_no_time_for_each_pair() -> None:
    fragments = [*codestreams(RLE), *[b""] * 20_000]
    with pytest.raises(TranscodingError):
        transcoded(file_of(RLE, fragments, Image(13, 18, bits=8, frames=3), table=False), EXPLICIT)


def test_a_frame_that_is_far_longer_than_its_pixels_is_not_read() -> None:
    long = codestreams(RLE)[0] + bytes(2 << 20)
    with pytest.raises(TranscodingError):
        transcoded(file_of(RLE, [long], Image(13, 18, bits=8)), EXPLICIT)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SYNTAXES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4))
def test_any_other_bytes_are_an_error_of_ours_or_an_image(
    syntax: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(file_of(syntax, codestreams(syntax), Image(13, 18, bits=8, frames=2)))
    start = data.index(struct.pack("<HH", 0x7FE0, 0x0010))
    for at, byte in changes:
        data[min(start + at, len(data) - 1)] = byte
    try:
        found = read(transcoded(bytes(data), EXPLICIT))
    except DicomorphError:
        return
    assert len(found.PixelData) == 2 * 13 * 18
