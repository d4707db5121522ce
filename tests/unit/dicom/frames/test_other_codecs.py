"""What leaves frames of JPEG XL and deflated ones, and what is said of video."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import JPEG
from tests.support.codestreams import (
    CLEAN,
    DIRTY,
    SECRET,
    box,
    encapsulated,
    even,
    fragments_of,
    samples,
    split,
)
from tests.support.edits import WindowedSource, anonymized, modified, rewriter
from tests.support.images import Image, image_file

JPEG_XL, DEFLATED_FRAMES = "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.8.1"
MPEG2, H264, H265 = "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.107"
IMAGE = Image(20, 30, bits=16)

CODESTREAM = b"\xff\x0a" + samples(401, 5)  # of an even length
CONTAINER = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
EXTRA = box(b"Exif", SECRET) + box(b"xml ", SECRET) + box(b"jbrd", SECRET) + box(b"brob", b"Exif" + SECRET)
LARGE = struct.pack(">I4sQ", 1, b"jxlc", len(CODESTREAM) + 16) + CODESTREAM
OPEN = bytes(4) + b"jxlc" + CODESTREAM


def part(number: int, data: bytes) -> bytes:
    return box(b"jxlp", struct.pack(">I", number) + data)


PARTS = EXTRA.join(
    (part(0, CODESTREAM[:100]), part(1, CODESTREAM[100:101]), part(1 << 31 | 2, CODESTREAM[101:]))
)


def file_of(frames: list[bytes], syntax: str, image: Image = IMAGE) -> bytes:
    return image_file(image, encapsulated(frames), vr="OB", syntax=syntax, undefined=True)


def fragments_after(frames: list[bytes], syntax: str, image: Image = IMAGE) -> list[bytes]:
    data = file_of(frames, syntax, image)
    assert fragments_of(modified(data)) == fragments_of(data)
    return fragments_of(anonymized(data))[1]


@pytest.mark.parametrize("syntax", [JPEG_XL, "1.2.840.10008.1.2.4.112", JPEG, "1.2.3.4"])
@pytest.mark.parametrize(
    "file",
    [
        CONTAINER + box(b"jxlc", CODESTREAM),
        CONTAINER + EXTRA + box(b"jxlc", CODESTREAM) + EXTRA + SECRET,
        CONTAINER + EXTRA + LARGE + EXTRA,
        CONTAINER + EXTRA + OPEN,
        CONTAINER + EXTRA + PARTS + EXTRA,
        CONTAINER + box(b"jxll", b"\x0a") + PARTS,
    ],
)
def test_of_a_jpeg_xl_file_the_codestream_stays(file: bytes, syntax: str) -> None:
    assert fragments_after([even(file)] * 2, syntax)[0].rstrip(b"\0") == CODESTREAM.rstrip(b"\0")
    pieces = split(even(file), 98)
    assert b"".join(fragments_after(pieces, syntax)).rstrip(b"\0") == CODESTREAM.rstrip(b"\0")


def test_a_bare_codestream_of_jpeg_xl_stays() -> None:
    pieces = [CODESTREAM, *split(CODESTREAM, 100)]
    assert fragments_after(pieces, JPEG_XL) == pieces


@pytest.mark.parametrize(
    "file",
    [
        CONTAINER + EXTRA,
        CONTAINER + box(b"jxlc", SECRET),
        CONTAINER + part(0, CODESTREAM),
        CONTAINER + part(1 << 31, b""),
        CONTAINER + part(1, CODESTREAM) + part(1 << 31, CODESTREAM),
        CONTAINER + box(b"jxlc", CODESTREAM) + part(1 << 31 | 1, SECRET),
        CONTAINER + part(0, CODESTREAM) + box(b"jxlc", SECRET),
        CONTAINER + box(b"jxlp", b"\x80"),
        CONTAINER + b"\0\0\xff\xffjxlc" + CODESTREAM,
        SECRET + CONTAINER,
    ],
)
def test_a_jpeg_xl_file_that_does_not_add_up_is_refused(file: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of([even(file)], JPEG_XL))


def deflated(data: bytes, level: int = 6) -> bytes:
    compressor = zlib.compressobj(level, wbits=-15)
    return compressor.compress(data) + compressor.flush()


FRAME = random.Random(3).randbytes(600) * 2  # noqa: S311 - reproducible, no secret


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("syntax", [DEFLATED_FRAMES])
def test_what_trails_a_deflated_frame_leaves(syntax: str, level: int) -> None:
    good = deflated(FRAME, level)
    found = fragments_after([even(good + SECRET), even(good), even(good + b"\0" + SECRET)], syntax)
    assert found == [even(good)] * 3
    for padding in (b"\0\0", bytes(20), b"\xff" * 4):
        assert fragments_after([even(good + padding)], syntax) == [even(good + padding)]


def test_a_deflated_frame_may_lie_in_several_fragments() -> None:
    good = deflated(FRAME)
    pieces = split(even(good + SECRET), 100)
    assert b"".join(fragments_after([*pieces, even(good)], DEFLATED_FRAMES)) in {
        even(good) + even(good),
        even(good) + b"\0\0" + even(good),
    }


@pytest.mark.parametrize(
    "frame", [deflated(FRAME + SECRET), deflated(FRAME)[:-9], SECRET, deflated(bytes(1 << 24))], ids=len
)
def test_a_deflated_frame_that_is_not_the_image_is_refused(frame: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of([even(frame)], DEFLATED_FRAMES))


@pytest.mark.parametrize("surplus", [0, 1, 100])
@pytest.mark.parametrize(
    ("syntax", "frames"),
    [
        (JPEG_XL, split(even(CONTAINER + EXTRA + PARTS + EXTRA), 102)),
        (DEFLATED_FRAMES, split(even(deflated(FRAME) + SECRET), 102)),
        (DEFLATED_FRAMES, [even(DIRTY)]),
    ],
)
def test_a_moving_window_shows_enough(
    syntax: str, frames: list[bytes], surplus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = file_of(frames, syntax)
    expected = anonymized(data)
    assert SECRET not in expected
    monkeypatch.setattr("dicomorph.dicom.stream.windows.WINDOW", 16)
    source = WindowedSource(data, surplus)
    assert rewriter({}).rewrite(source).join(source) == expected


START = b"\0\0\1"
MPEG2_STREAM = (
    START + b"\xb3" + samples(50, 1) + START + b"\xb8" + samples(50, 2) + START + b"\x06" + samples(300, 3)
)
H264_STREAM = (
    b"\0"
    + START
    + b"\x67"
    + samples(50, 1)
    + START
    + b"\x68"
    + samples(9, 2)
    + START
    + b"\x65"
    + samples(300, 3)
)
H265_STREAM = (
    b"\0" + START + b"\x40\1" + samples(50, 1) + START + b"\x42\1" + samples(9, 2) + START + b"\x06\1"
)
STREAMS = {MPEG2: MPEG2_STREAM, H264: H264_STREAM, H265: H265_STREAM}
SEI = {
    MPEG2: [START + b"\xb2" + SECRET],
    H264: [START + bytes((0x06 | idc << 5,)) + b"\x05" + SECRET for idc in range(4)],
    H265: [START + bytes((number << 1, 1)) + SECRET for number in (39, 40)],
}


def is_reported(data: bytes) -> bool:
    return bool(rewriter({}).rewrite(BufferSource(data)).remarks)


@pytest.mark.parametrize("label", [MPEG2, H264, H265, "1.2.840.10008.1.2.4.106", JPEG_XL, JPEG, "1.2.3.4"])
@pytest.mark.parametrize("kind", STREAMS)
def test_video_with_user_data_is_reported_as_the_stream_is_not_as_it_is_called(kind: str, label: str) -> None:
    stream = STREAMS[kind]
    assert not is_reported(file_of([even(stream)], label))
    for planted in SEI[kind]:
        for whole in (stream + planted, stream[:70] + planted + stream[70:], stream + planted * 1000):
            data = file_of([even(whole)], label)
            assert is_reported(data)
            assert fragments_of(anonymized(data)) == fragments_of(data), "nothing leaves video"
            assert not rewriter({}, anonymize=False).rewrite(BufferSource(data)).remarks


@pytest.mark.parametrize("at", range(100, 106))
def test_user_data_are_found_across_fragments_and_pieces(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.dicom.frames.video._PIECE", 104)
    whole = even(MPEG2_STREAM[:100] + SEI[MPEG2][0] + MPEG2_STREAM[100:])
    assert is_reported(file_of([whole[:at], whole[at:]], MPEG2))
    assert not is_reported(file_of([MPEG2_STREAM[:at], even(MPEG2_STREAM[at:])], MPEG2))


@pytest.mark.parametrize(
    "container",
    [
        b"\0\0\0\x20ftypisom" + bytes(20),
        b"\x47\x40\0\x10" + bytes(184) + b"\x47" + bytes(187),
        b"\0\0\1\xba" + bytes(60),
        b"RIFF" + bytes(60),
    ],
)
def test_containers_of_video_are_not_looked_into_and_reported(container: bytes) -> None:
    assert is_reported(file_of([container], H264))


def test_an_image_is_not_reported() -> None:
    assert not is_reported(file_of([even(CLEAN)], H264))
    assert not is_reported(image_file(IMAGE, IMAGE.pixels()))


def test_video_is_searched_in_bounded_memory() -> None:
    data = file_of([even(H264_STREAM + bytes(5 << 20))] * 3, H264)
    source = WindowedSource(data)
    assert not rewriter({}).rewrite(source).remarks
    assert source.largest <= (1 << 20) + 8
