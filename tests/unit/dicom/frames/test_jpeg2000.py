"""What leaves JPEG 2000 codestreams, and the files around them, when anonymizing."""

from __future__ import annotations

import struct

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.support.codestreams import (
    JPEG_2000,
    SECRET,
    box,
    cleaned,
    even,
    file_of,
    fragments_of,
    jpeg_2000,
    real_frame,
    segment,
)
from tests.support.edits import anonymized

COMMENT = segment(0x64, b"\0\1" + SECRET)
BINARY = segment(0x64, b"\0\0" + SECRET)
REAL = ["693_J2KI.dcm", "JPEG2000.dcm", "MR_small_jp2klossless.dcm", "examples_jpeg2k.dcm"]
SIGNATURE = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
COLOURS = box(b"ihdr", bytes(14)) + box(b"colr", b"\1\0\0" + bytes(4))
EXTRA = box(b"xml ", SECRET) + box(b"uuid", bytes(16) + SECRET) + box(b"uinf", box(b"url ", SECRET))


def frame_after(frame: bytes) -> bytes:
    found = fragments_of(anonymized(file_of([frame], syntax=JPEG_2000)))[1]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("planted", [COMMENT, BINARY, COMMENT * 3])
@pytest.mark.parametrize("name", REAL)
def test_what_is_planted_in_the_main_header_leaves(name: str, planted: bytes) -> None:
    original = real_frame(name)
    at = 4 + int.from_bytes(original[4:6], "big")  # behind SIZ
    while True:
        assert original[at] == 0xFF
        assert frame_after(even(original[:at] + planted + original[at:])) == even(original)
        if original[at + 1] == 0x90:
            break
        at += 2 + int.from_bytes(original[at + 2 : at + 4], "big")


@pytest.mark.parametrize("name", REAL)
def test_what_is_planted_in_a_tile_part_leaves(name: str) -> None:
    original = real_frame(name)
    start = original.index(b"\xff\x90\0\x0a")
    (size,) = struct.unpack_from(">I", original, start + 6)
    grown = struct.pack(">I", size + len(COMMENT)) if size else bytes(4)
    planted = original[: start + 6] + grown + original[start + 10 : start + 12] + COMMENT
    assert frame_after(even(planted + original[start + 12 :])) == even(original)


@pytest.mark.parametrize("open_end", [False, True])
@pytest.mark.parametrize("lengths", ["", "H", "I", "BH", "BI", "HH", "HI"])
def test_lengths_of_tile_parts_are_written_anew(lengths: str, open_end: bool) -> None:  # noqa: FBT001
    before = jpeg_2000(head=COMMENT, tile=COMMENT + BINARY, lengths=lengths, open_end=open_end, tiles=7)
    after = jpeg_2000(lengths=lengths, open_end=open_end, tiles=7)
    assert frame_after(even(before)) == even(after)
    assert frame_after(even(jpeg_2000(head=COMMENT, lengths=lengths))) == even(jpeg_2000(lengths=lengths))


def test_the_second_reading_agrees() -> None:
    frame = jpeg_2000(head=COMMENT, tile=BINARY)
    assert frame_after(frame) == even(cleaned(frame))


@pytest.mark.parametrize(
    "banner",
    [
        b"Created by GDCM/OpenJPEG version 2.3.0",
        b"Created by GDCM/OpenJPEG version 2.0",
        b"Created by ITK/GDCM/OpenJPEG version 1.0",
        b"Created by OpenJPEG version 2.5.2",
        b"Creator: JasPer Version 1.900.1",
        b"Creator: JasPer Version 1.701.0",
        b"Kakadu-2.2",
        b"Kakadu-v7.10.2",
        b"Kakadu-v6.3.1\0",
        b"OpenJPH Ver 0.26.0.",
        b"Lavc58.54.100",
    ],
)
def test_banners_of_encoders_stay(banner: bytes) -> None:
    data = file_of([even(jpeg_2000(head=segment(0x64, b"\0\1" + banner)))], syntax=JPEG_2000)
    assert fragments_of(anonymized(data)) == fragments_of(data)
    for other in (banner + b" " + SECRET, SECRET + banner, banner + b"\0\0", banner + b"\n"):
        assert frame_after(jpeg_2000(head=segment(0x64, b"\0\1" + other))) == even(jpeg_2000())
    assert frame_after(jpeg_2000(head=segment(0x64, b"\0\0" + banner))) == even(jpeg_2000())


@pytest.mark.parametrize("name", ["693_J2KI.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"])
def test_real_frames_stay_as_they_are(name: str) -> None:
    data = file_of([even(real_frame(name))], syntax=JPEG_2000)
    assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("trailing", [SECRET, b"\0\0" + SECRET])
def test_what_trails_a_codestream_leaves(trailing: bytes) -> None:
    assert frame_after(jpeg_2000() + trailing) == even(jpeg_2000())


@pytest.mark.parametrize("trailing", [b"", b"\0", b"\x14\x01", bytes(30)])
def test_padding_stays_with_or_without_an_end(trailing: bytes) -> None:
    for whole in (jpeg_2000(), jpeg_2000()[:-2]):
        data = file_of([whole + trailing], syntax=JPEG_2000)
        assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("cut_at", [5, 40, 60, 100, 500, -3, -100])
def test_a_codestream_that_is_cut_off_loses_its_comments(cut_at: int) -> None:
    data = file_of([jpeg_2000(lengths="BI")[:cut_at]], syntax=JPEG_2000)
    assert fragments_of(anonymized(data)) == fragments_of(data)
    whole = jpeg_2000(head=COMMENT, tile=COMMENT)
    try:
        assert SECRET not in anonymized(file_of([whole[:cut_at]], syntax=JPEG_2000))
    except BadFileFormatError:
        assert cut_at > 0


@pytest.mark.parametrize(
    "broken",
    [
        b"\xff\x4f" + segment(0x51, bytes(36)) + b"\xff\x64\xff\xff" + SECRET,
        b"\xff\x4f" + segment(0x51, bytes(36)) + b"\xff\x52\xff\xff" + COMMENT,
        b"\xff\x4f" + segment(0x51, bytes(36)) + b"\xff\x52\x00\x01" + COMMENT + b"\xff\xd9",
        b"\xff\x4f" + segment(0x51, bytes(36)) + SECRET,
        b"\xff\x4f" + segment(0x51, bytes(36)) + b"\xff\xd9" + COMMENT,
        jpeg_2000()[:-2] + SECRET,
        jpeg_2000()[:-2] + COMMENT + b"\xff\xd9",
        jpeg_2000(tiles=1).replace(b"\xff\x93", b"\xff\x90", 1) + COMMENT,
        jpeg_2000(tile=COMMENT, tiles=2).replace(b"\0\x0a\0\0\0\0", b"\0\x0a\0\0\0\0\0\0"),
    ],
)
def test_what_cannot_be_told_from_the_image_is_refused(broken: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of([broken], syntax=JPEG_2000))


def test_lengths_that_contradict_each_other_are_refused_if_they_had_to_change() -> None:
    def contradicting(tile: bytes) -> bytes:
        frame = jpeg_2000(tile=tile, lengths="I", tiles=2)
        at = frame.index(b"\xff\x55") + 6
        return frame[:at] + b"\0\0\0\1" + frame[at + 4 :]

    data = file_of([even(contradicting(b""))], syntax=JPEG_2000)
    assert fragments_of(anonymized(data)) == fragments_of(data)
    with pytest.raises(BadFileFormatError, match="contradict"):
        anonymized(file_of([even(contradicting(COMMENT))], syntax=JPEG_2000))


@pytest.mark.parametrize("last", ["sized", "open", "large"])
def test_boxes_that_decoding_can_spare_leave(last: str) -> None:
    def file(extra: bytes, inner: bytes, codestream: bytes) -> bytes:
        header = box(b"jp2h", COLOURS + inner)
        if last == "open":
            return SIGNATURE + extra + header + extra + bytes(4) + b"jp2c" + codestream
        if last == "large":
            size = struct.pack(">Q", len(codestream) + 16)
            return SIGNATURE + header + extra + b"\0\0\0\1jp2c" + size + codestream + extra
        return SIGNATURE + extra + header + box(b"jp2c", codestream) + extra

    before = file(EXTRA, box(b"xml ", SECRET), jpeg_2000(head=COMMENT, tile=COMMENT, lengths="BI"))
    assert frame_after(even(before)) == even(file(b"", b"", jpeg_2000(lengths="BI")))


@pytest.mark.parametrize(
    "broken",
    [
        SIGNATURE + EXTRA,
        SIGNATURE + box(b"jp2c", SECRET),
        SIGNATURE + box(b"jp2c", jpeg_2000()[:-60]) + EXTRA,
        SIGNATURE + box(b"jp2h", b"\0\0\0\xffihdr" + SECRET) + box(b"jp2c", jpeg_2000()),
        SIGNATURE + b"\xff\xff\0\0xml " + SECRET + box(b"jp2c", jpeg_2000()),
    ],
)
def test_boxes_that_do_not_add_up_are_refused(broken: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of([broken], syntax=JPEG_2000))


def test_what_trails_the_boxes_leaves() -> None:
    whole = SIGNATURE + box(b"jp2c", jpeg_2000())
    assert frame_after(whole + b"\0\0\0\x03" + SECRET) == even(whole)
    assert frame_after(SIGNATURE + box(b"jp2c", jpeg_2000() + SECRET)) == even(whole)
    data = file_of([whole + bytes(12)], syntax=JPEG_2000)
    assert fragments_of(anonymized(data)) == fragments_of(data)
