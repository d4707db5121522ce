"""What leaves JPEG and JPEG-LS frames when anonymizing, and what stays to the byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.support.codestreams import (
    SECRET,
    cleaned,
    even,
    file_of,
    fragments_of,
    jpeg,
    real_frame,
    samples,
    segment,
)
from tests.support.edits import anonymized, modified

COMMENT = segment(0xFE, SECRET)
EXIF = segment(0xE1, b"Exif\0\0" + SECRET)
APPLICATION_DATA = [segment(0xE0 + n, SECRET) for n in range(16)]
JFIF = b"JFIF\0\x01\x02\x01\x00\x48\x00\x48\x00\x00"
ADOBE = b"Adobe\x00\x64\x80\x00\x00\x00\x01"
REAL = [
    "JPGExtended.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "JPEGLSNearLossless_16.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm",
    "examples_ybr_color.dcm",
]


def frame_after(frame: bytes) -> bytes:
    """Return what becomes of a frame that stands alone."""
    found = fragments_of(anonymized(file_of([frame])))[1]
    assert len(found) == 1
    return found[0]


def plant(frame: bytes, at: int, planted: bytes) -> bytes:
    return frame[:at] + planted + frame[at:]


def markers(frame: bytes) -> list[int]:
    """Return where each marker stands, up to and including EOI."""
    found, pos = [], 2
    while frame[pos + 1] != 0xD9:
        found.append(pos)
        marker = frame[pos + 1]
        pos += 2 + int.from_bytes(frame[pos + 2 : pos + 4], "big")
        while marker == 0xDA and (
            frame[pos] != 0xFF or frame[pos + 1] < 0x80 or 0xD0 <= frame[pos + 1] <= 0xD7
        ):
            pos += 1
    return [*found, pos]


@pytest.mark.parametrize(
    "planted", [COMMENT, EXIF, b"".join(APPLICATION_DATA), COMMENT + b"\xff\xff" + COMMENT]
)
@pytest.mark.parametrize("name", REAL)
def test_what_is_planted_anywhere_leaves_and_nothing_else(name: str, planted: bytes) -> None:
    original = real_frame(name)
    for at in markers(original):
        assert frame_after(even(plant(original, at, planted))).rstrip(b"\0") in {
            original,
            plant(original, at, b"\xff\xff"),  # fill bytes stay
        }, at


def test_comments_between_scans_leave() -> None:
    assert frame_after(jpeg(between=EXIF + COMMENT, head=COMMENT, tail=COMMENT)) == even(jpeg())


def test_the_second_reading_agrees() -> None:
    frame = jpeg(between=EXIF, head=segment(0xE0, JFIF) + segment(0xEE, ADOBE) + COMMENT)
    assert frame_after(frame) == even(cleaned(frame))


@pytest.mark.parametrize(
    "kept",
    [
        segment(0xE0, JFIF),
        segment(0xEE, ADOBE),
        segment(0xE8, b"mrfx\x02"),
        segment(0xFE, b"LEAD Technologies Inc. V1.01\0"),
        segment(0xFE, b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n"),
        segment(0xFE, b"Intel(R) JPEG Library, version [1.51.12.44]."),
        segment(0xF8, b"\x01\xff\xff\x00\x12\x00C\x01\x14\x00@"),  # presets of JPEG-LS
    ],
)
def test_what_decoders_need_stays(kept: bytes) -> None:
    data = file_of([even(jpeg(head=kept))])
    assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize(
    ("whole", "rest"),
    [
        (segment(0xE0, JFIF[:-2] + b"\x02\x02" + bytes(12)), segment(0xE0, JFIF)),
        (segment(0xE0, JFIF + SECRET), segment(0xE0, JFIF)),
        (segment(0xEE, ADOBE + SECRET), segment(0xEE, ADOBE)),
        (segment(0xE0, b"JFXX\0\x10" + SECRET), b""),
        (segment(0xE0, b"JFIF\0\x01\x02\x07" + SECRET), b""),
        (segment(0xE0, JFIF[:-1]), b""),
        (segment(0xE1, JFIF), b""),
        (segment(0xEE, ADOBE[:-1] + b"\x03"), b""),
        (segment(0xE8, b"mrfx\x02" + SECRET), b""),
        (segment(0xFE, b"Kakadu-7.9 " + SECRET), b""),
        (segment(0xFE, SECRET + b"Kakadu-7.9"), b""),
        (segment(0xFE, b"Kakadu-7.9\n"), b""),
        (segment(0xFE, b""), b""),
    ],
)
def test_what_only_looks_like_it_leaves(whole: bytes, rest: bytes) -> None:
    assert frame_after(jpeg(head=whole)) == even(jpeg(head=rest))


@pytest.mark.parametrize("trailing", [SECRET, b"\0" + SECRET, b"\xff\xff" + SECRET + b"\0", b"ABCD"])
def test_what_trails_a_frame_leaves(trailing: bytes) -> None:
    assert frame_after(jpeg() + trailing) == even(jpeg())


@pytest.mark.parametrize("trailing", [b"", b"\0", b"\xff", b"\x14\x01", bytes(40), b"\xff" * 7])
def test_padding_stays_as_it_is(trailing: bytes) -> None:
    data = file_of([jpeg() + trailing])
    assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("padding", [b"", b"\0", b"\xff\xff", bytes(9)])
def test_frames_that_share_a_fragment_are_all_cleaned(padding: bytes) -> None:
    frames = (jpeg(head=COMMENT) + padding) * 3
    assert frame_after(frames) == even((jpeg() + padding) * 3)


@pytest.mark.parametrize(
    "broken",
    [
        b"\xff\xd8\xff\xfe\xff\xff" + SECRET,
        b"\xff\xd8\xff\xdb\xff\xff" + COMMENT,
        b"\xff\xd8\xff\xdb\x00\x01" + COMMENT,
        b"\xff\xd8\xff\xfe\x00\x00" + SECRET,
        b"\xff\xd8\xff\xfe\x00",
        b"\xff\xd8\xff\xdb\x00\x04\x00\x00" + SECRET,
        b"\xff\xd8\xff\x01" + COMMENT,
        b"\xff\xd8\xff\xd0" + COMMENT,
        b"\xff\xd8\xff\xd8" + COMMENT,
        SECRET + b"\xff\xd8" + COMMENT,
        jpeg()[:-2] + b"\xff\xd8" + COMMENT,
    ],
)
def test_what_cannot_be_told_from_the_image_is_refused(broken: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of([broken]))
    assert SECRET in modified(file_of([broken + SECRET]))


@pytest.mark.parametrize("cut_at", [3, 4, 5, 20, 200, 600, -1, -2])
def test_a_frame_that_is_cut_off_stays_without_comments(cut_at: int) -> None:
    data = file_of([jpeg()[:cut_at]])
    assert fragments_of(anonymized(data)) == fragments_of(data)
    data = file_of([jpeg(head=EXIF)[: len(EXIF) + cut_at if cut_at > 0 else cut_at]])
    assert SECRET not in anonymized(data)


@pytest.mark.parametrize("frame", [b"\xff\xd8frame\xff\xd9", bytes(500), b"icon", samples(3000, 7), b""])
def test_what_is_no_codestream_is_left_alone(frame: bytes) -> None:
    data = file_of([frame, frame])
    assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("edit", [modified, lambda data: modified(data, RemovePrivateTags=True)])
def test_modifying_leaves_frames_alone(edit: Callable[[bytes], bytes]) -> None:
    data = file_of([jpeg(head=COMMENT) + SECRET])
    assert fragments_of(edit(data)) == fragments_of(data)


def test_hostile_fill_and_segments_take_little_time() -> None:
    fill = jpeg(head=b"\xff" * (1 << 20) + COMMENT)
    assert SECRET not in anonymized(file_of([fill]))
    many = jpeg(head=segment(0xFE, b"") * (1 << 16))
    assert frame_after(many) == even(jpeg())
