"""A codestream that is not what its data set says is refused before memory is given for it."""

import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.pixels import Pixels
from tests.support.coded_frames import U, codec_for, frame_of
from tests.support.codestreams import box

PIXELS = Pixels(40, 56)
JPEG = [U + f"4.{number}" for number in (50, 51, 57, 70, 80, 81)]
JPEG_2000 = [U + f"4.{number}" for number in (90, 91, 201, 202, 203)]
each_syntax = pytest.mark.parametrize("syntax", SYNTAXES, ids=[syntax.removeprefix(U) for syntax in SYNTAXES])


def encoded(syntax: str, pixels: Pixels = PIXELS) -> bytes:
    return codec_for(syntax).encode(frame_of(pixels), pixels, 80)


def assert_refused(syntax: str, data: bytes, pixels: Pixels = PIXELS) -> None:
    with pytest.raises(TranscodingError):
        codec_for(syntax).decode(data, pixels)


def start_of_frame(data: bytes) -> int:
    return next(found for process in b"\xc0\xc1\xc3\xf7" if (found := data.find(bytes((0xFF, process)))) > 0)


@each_syntax
def test_another_size_or_number_of_colours_is_refused(syntax: str) -> None:
    data = encoded(syntax)
    for other in (
        replace(PIXELS, rows=41),
        replace(PIXELS, columns=57),
        replace(PIXELS, samples_per_pixel=3, photometric_interpretation="RGB"),
        replace(PIXELS, samples_per_pixel=4, photometric_interpretation="CMYK"),
    ):
        assert_refused(syntax, data, other)
    if syntax != U + "4.50":
        assert_refused(syntax, encoded(syntax, Pixels(40, 56, 1, 16, 12, 11)))


@each_syntax
def test_what_is_cut_off_is_refused(syntax: str) -> None:
    data = encoded(syntax)
    for length in (0, 1, 2, 3, 20, 60, len(data) // 2, len(data) - 4):
        assert_refused(syntax, data[:length])


@each_syntax
def test_the_frame_of_another_syntax_is_refused(syntax: str) -> None:
    others = {other for other in SYNTAXES if codec_for(other) is not codec_for(syntax)}
    family = next((family for family in (JPEG[:2], JPEG[2:4], JPEG[4:], JPEG_2000) if syntax in family), [])
    for other in others - set(family):
        assert_refused(syntax, encoded(other))


@each_syntax
def test_a_huge_image_in_a_few_bytes_takes_no_memory(syntax: str) -> None:
    data = bytearray(encoded(syntax))
    if syntax in JPEG:
        position = start_of_frame(bytes(data)) + 5
        data[position : position + 4] = struct.pack(">HH", 65535, 65535)
    elif syntax in JPEG_2000:
        data[8:16] = struct.pack(">II", 65535, 65535)
    claimed = [] if syntax == U + "5" else [PIXELS]  # run lengths name no size
    for pixels in (*claimed, Pixels(65535, 65535), Pixels(8192, 16384)):
        tracemalloc.start()
        try:
            assert_refused(syntax, bytes(data), pixels)
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("syntax", JPEG_2000)
def test_tiles_and_blocks_without_number_are_refused(syntax: str) -> None:
    large, side = Pixels(8192, 16384), struct.pack(">II", 16384, 8192)
    data = encoded(syntax)
    style = data.index(b"\xff\x52") + 4
    tiny_tiles = data[:8] + side + data[16:24] + struct.pack(">II", 64, 64) + data[32:]
    tiny_blocks = bytearray(data[:8] + side + data[16:24] + side + data[32:])
    tiny_blocks[style + 6 : style + 8] = b"\0\0"
    with pytest.raises(TranscodingError, match="too many tiles"):
        codec_for(syntax).decode(tiny_tiles, large)
    with pytest.raises(TranscodingError, match="too finely"):
        codec_for(syntax).decode(bytes(tiny_blocks), large)


@pytest.mark.parametrize("syntax", JPEG_2000)
def test_more_packets_than_bytes_are_refused(syntax: str) -> None:
    data = encoded(syntax)
    style = data.index(b"\xff\x52") + 4
    many_layers = data[: style + 2] + b"\xff\xff" + data[style + 4 :]
    many_levels = data[: style + 5] + b"\x21" + data[style + 6 :]
    tiny_precincts = (
        data[: style - 2] + b"\0\x12\1" + data[style + 1 : style + 10] + bytes(6) + data[style + 10 :]
    )
    for changed in (many_layers, many_levels, tiny_precincts):
        with pytest.raises(TranscodingError, match="more packets"):
            codec_for(syntax).decode(changed, PIXELS)


@pytest.mark.parametrize("syntax", JPEG_2000)
def test_an_image_that_begins_elsewhere_is_refused(syntax: str) -> None:
    data = encoded(syntax)
    for start in (16, 32):  # offsets of the image, and of its tiles
        assert_refused(syntax, data[:start] + struct.pack(">II", 1, 1) + data[start + 8 :])


@pytest.mark.parametrize("syntax", JPEG[:4])
def test_a_large_image_in_too_few_bytes_is_cut_off(syntax: str) -> None:
    data, large = bytearray(encoded(syntax)), Pixels(8192, 16384)
    position = start_of_frame(bytes(data)) + 5
    data[position : position + 4] = struct.pack(">HH", large.rows, large.columns)
    with pytest.raises(TranscodingError, match="cut off"):
        codec_for(syntax).decode(bytes(data), large)


@pytest.mark.parametrize("syntax", JPEG[:4])
def test_more_scans_than_colours_are_refused(syntax: str) -> None:
    data = encoded(syntax)
    start = data.index(b"\xff\xda")
    assert_refused(syntax, data[:-2] + 50 * data[start:-2] + data[-2:])


@pytest.mark.parametrize("syntax", JPEG)
def test_a_header_without_end_is_refused(syntax: str) -> None:
    data = encoded(syntax)
    assert_refused(syntax, data[:2] + 5000 * b"\xff\xfe\0\2" + data[2:])
    assert_refused(syntax, data[:2] + b"\xff\xfe\0\1" + data[2:])


@pytest.mark.parametrize("syntax", JPEG_2000)
def test_boxes_are_taken_off(syntax: str) -> None:
    data = encoded(syntax)
    expected = codec_for(syntax).decode(data, PIXELS)
    signature = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    for boxed in (
        signature + box(b"jp2c", data),
        signature + struct.pack(">I4s", 0, b"jp2c") + data,
        signature + struct.pack(">I4sQ", 1, b"jp2c", 16 + len(data)) + data,
        data + b"\0",
        data[:-2],
    ):
        assert np.array_equal(codec_for(syntax).decode(boxed, PIXELS), expected)
    assert_refused(syntax, signature)
    assert_refused(syntax, signature + struct.pack(">I4s", 3, b"free"))


def test_a_run_of_run_lengths_is_no_image() -> None:
    syntax = U + "5"
    for offsets in ((0, 64), (1, 63), (1, 64, 64), (2, 64), (1, 1 << 31), (16, 64)):
        header = struct.pack(f"<{len(offsets)}I", *offsets).ljust(64, b"\0")
        assert_refused(syntax, header + 100 * b"\x81\0")
        assert_refused(syntax, header + b"\x05")
        assert_refused(syntax, header + 50 * b"\x7f")
