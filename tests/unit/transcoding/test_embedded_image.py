"""Images that requests embed: what Orthanc takes of them becomes pixel data, the rest is refused."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.model.errors import BadFileFormatError, DicomorphError, TooLargeBodyError, TranscodingError
from dicomorph.transcoding.embedded_image import decode_image

PNG, JPEG, PAM = "image/png", "image/jpeg", "image/x-portable-arbitrarymap"
GRAY = np.arange(35, dtype=np.uint8).reshape(5, 7)
RGB = np.stack([GRAY, GRAY + 90, 255 - GRAY], axis=-1)
OPACITY = np.concatenate([RGB, GRAY[..., None]], axis=-1)

PROGRESSIVE = b64decode(  # 8 x 8, gray, in 6 scans
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIx"
    "wcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/wgALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABP/aAAgBAQAAAAEH"
    "/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABBQJ//8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAGPwJ//8"
    "QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPyF//9oACAEBAAAAEP8A/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/a"
    "AAgBAQABPxB//9k="
)


def pam(array: np.ndarray, depth: int, kind: str = "GRAYSCALE") -> bytes:
    highest = 255 if array.dtype.itemsize == 1 else 65535
    rows, columns = array.shape[:2]
    head = f"P7\nWIDTH {columns}\nHEIGHT {rows}\nDEPTH {depth}\nMAXVAL {highest}\nTUPLTYPE {kind}\nENDHDR\n"
    return head.encode() + array.astype(array.dtype.newbyteorder(">")).tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: int, columns: int, bits: int, kind: int, *more: bytes, raw: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, bits, kind, 0, 0, 0))
    body = (*more, chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(body)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GRAY, GRAY),
        (GRAY.astype(np.uint16) * 1000, GRAY.astype(np.uint16) * 1000),
        (RGB, RGB),
        (RGB.astype(np.uint16) * 200, RGB.astype(np.uint16) * 200),
        (OPACITY, RGB),
    ],
)
def test_a_png_becomes_the_samples_that_it_holds(array: np.ndarray, expected: np.ndarray) -> None:
    image = decode_image(bytes(imagecodecs.png_encode(array)), PNG)
    value = expected.astype(expected.dtype.newbyteorder("<")).tobytes()
    assert image.value == value + b"\0" * (len(value) % 2)
    bits, is_colour = expected.dtype.itemsize * 8, expected.ndim == 3
    assert image.attributes == {
        0x00280002: "3" if is_colour else "1",
        0x00280004: "RGB" if is_colour else "MONOCHROME2",
        **({0x00280006: "0"} if is_colour else {}),
        0x00280010: "5",
        0x00280011: "7",
        0x00280100: str(bits),
        0x00280101: str(bits),
        0x00280102: str(bits - 1),
        0x00280103: "0",
    }


@pytest.mark.parametrize("array", [GRAY, RGB])
def test_a_jpeg_becomes_gray_or_rgb(array: np.ndarray) -> None:
    image = decode_image(bytes(imagecodecs.jpeg8_encode(array, 98, subsampling="444")), JPEG)
    found = np.frombuffer(image.value[: array.size], np.uint8).reshape(array.shape).astype(int)
    assert np.abs(found - array).max() < 12
    assert image.pixels.photometric_interpretation == ("RGB" if array.ndim == 3 else "MONOCHROME2")


@pytest.mark.parametrize("array", [GRAY, RGB, GRAY.astype(np.uint16) * 999])
def test_a_pam_becomes_the_samples_that_it_holds(array: np.ndarray) -> None:
    image = decode_image(pam(array, 3 if array.ndim == 3 else 1), PAM)
    assert image.value.startswith(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert (image.pixels.rows, image.pixels.columns) == (5, 7)


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"", PNG),
        (b"GIF89a", PNG),
        (bytes(imagecodecs.jpeg8_encode(GRAY)), PNG),
        (bytes(imagecodecs.png_encode(GRAY)), JPEG),
        (bytes(imagecodecs.png_encode(GRAY))[:60], PNG),
        (bytes(imagecodecs.jpeg8_encode(GRAY))[:40], JPEG),
        (png(5, 7, 8, 0, raw=b"too short"), PNG),
        (pam(GRAY, 1)[:-1], PAM),
        (b"P5 7 5 255\n" + GRAY.tobytes(), PAM),
    ],
)
def test_what_is_no_such_image_is_a_bad_file(data: bytes, mime_type: str) -> None:
    with pytest.raises(BadFileFormatError):
        decode_image(data, mime_type)


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"GIF89a", "image/gif"),
        (png(5, 7, 8, 3), PNG),
        (png(5, 7, 8, 4), PNG),
        (png(5, 7, 1, 0), PNG),
        (png(1 << 31, 1 << 31, 8, 0), PNG),
        (png(65536, 1, 8, 0), PNG),
        (png(65535, 65535, 16, 6), PNG),
        (png(0, 5, 8, 0), PNG),
        (pam(np.zeros((5, 7, 2), np.uint8), 2), PAM),
        (b"P7\nWIDTH 65535\nHEIGHT 65535\nDEPTH 3\nMAXVAL 65535\nTUPLTYPE RGB\nENDHDR\n", PAM),
        (
            bytes(
                imagecodecs.jpeg8_encode(
                    np.zeros((8, 8, 4), np.uint8), colorspace="CMYK", outcolorspace="CMYK"
                )
            ),
            JPEG,
        ),
    ],
)
def test_other_kinds_of_images_are_refused(data: bytes, mime_type: str) -> None:
    with pytest.raises(TranscodingError):
        decode_image(data, mime_type)


@pytest.mark.parametrize(("rows", "error"), [(8192, BadFileFormatError), (8193, TooLargeBodyError)])
def test_samples_of_an_embedded_image_are_bounded(rows: int, error: type[DicomorphError]) -> None:
    head = f"P7\nWIDTH 8192\nHEIGHT {rows}\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n".encode()
    for data, mime_type in ((head, PAM), (png(8192, rows, 8, 0), PNG)):
        with pytest.raises(error):
            decode_image(data, mime_type)


def test_scans_of_a_jpeg_which_go_through_the_whole_image_are_bounded() -> None:
    start, end = PROGRESSIVE.rindex(b"\xff\xda"), len(PROGRESSIVE) - 2
    scan, more = PROGRESSIVE[start:end], 32 - PROGRESSIVE.count(b"\xff\xda")
    taken = decode_image(PROGRESSIVE[:end] + more * scan + PROGRESSIVE[end:], JPEG)
    assert taken.pixels == decode_image(PROGRESSIVE, JPEG).pixels
    for surplus in (more + 1, 100_000):
        with pytest.raises(TranscodingError, match="32 scans"):
            decode_image(PROGRESSIVE[:end] + surplus * scan + PROGRESSIVE[end:], JPEG)


def test_a_color_that_counts_as_transparent_leaves_gray_as_it_is() -> None:
    raw = b"".join(b"\0" + row.tobytes() for row in GRAY)
    image = decode_image(png(5, 7, 8, 0, chunk(b"tRNS", b"\0\5"), raw=raw), PNG)
    assert image.value[:35] == GRAY.tobytes()
    assert image.pixels.samples_per_pixel == 1


@given(
    st.sampled_from([PNG, JPEG, PAM]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
)
def test_any_other_bytes_are_an_image_or_an_error_of_ours(
    mime_type: str, changes: list[tuple[int, int]]
) -> None:
    encode: dict[str, Callable[[Any], bytes | bytearray]] = {
        PNG: imagecodecs.png_encode,
        JPEG: imagecodecs.jpeg8_encode,
        PAM: lambda each: pam(each, 3),
    }
    data = bytearray(encode[mime_type](RGB))
    for at, byte in changes:
        data[at % len(data)] = byte
    try:
        image = decode_image(bytes(data), mime_type)
    except DicomorphError:
        return
    assert len(image.value) == image.pixels.frame_size + image.pixels.frame_size % 2
