"""What codestreams say of themselves, as the transfer syntaxes want it (PS3.5 8.2, A.4)."""

from dataclasses import replace

import pytest

from dicomorph.transcoding.codecs.jpeg_header import BASELINE, EXTENDED, LOSSLESS
from dicomorph.transcoding.codecs.registry import SYNTAXES, codec_of
from dicomorph.transcoding.pixels import Pixels
from tests.support.coded_frames import U, codec_for, frame_of

RGB = Pixels(48, 64, 3, photometric_interpretation="RGB")
GREY = Pixels(48, 64)
CT = Pixels(48, 64, 1, 16, 12, 11)


def segments(data: bytes) -> dict[int, bytes]:
    """Return the first segment of each marker up to the first scan or tile-part, by its second byte."""
    found: dict[int, bytes] = {}
    position = 2
    while not found.keys() & {0xDA, 0x90}:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        found.setdefault(data[position + 1], data[position + 4 : position + 2 + length])
        position += 2 + length
    return found


def encoded(syntax: str, pixels: Pixels) -> dict[int, bytes]:
    return segments(codec_for(U + syntax).encode(frame_of(pixels), pixels, 90))


@pytest.mark.parametrize("pixels", [RGB, replace(RGB, photometric_interpretation="YBR_FULL")])
@pytest.mark.parametrize("syntax", ["4.50", "4.51"])
def test_colour_in_jpeg_is_ycbcr_with_half_of_the_chrominance(syntax: str, pixels: Pixels) -> None:
    found = encoded(syntax, pixels)
    frame = found[BASELINE if syntax == "4.50" else EXTENDED]
    assert frame[6:15:3] == b"\1\2\3"
    assert frame[7:15:3] == b"\x21\x11\x11"
    assert found[0xE0].startswith(b"JFIF")
    assert codec_for(U + syntax).encoded_photometric(pixels) == "YBR_FULL_422"


def test_jpeg_has_the_process_and_the_bits_of_its_transfer_syntax() -> None:
    assert encoded("4.50", GREY)[BASELINE][0] == 8
    assert encoded("4.51", GREY)[EXTENDED][0] == 8
    for bits in (9, 10, 12):
        pixels = replace(CT, bits_stored=bits, high_bit=bits - 1)
        assert encoded("4.51", pixels)[EXTENDED][0] == 12
        assert codec_for(U + "4.51").encoded_bits_stored(pixels) == 12


def test_extended_and_baseline_differ_in_the_name_of_the_process_alone() -> None:
    for quality in range(1, 101):
        baseline, extended = (
            codec_for(U + syntax).encode(frame_of(GREY), GREY, quality) for syntax in ("4.50", "4.51")
        )
        different = [place for place in range(len(baseline)) if baseline[place] != extended[place]]
        assert [(baseline[place], extended[place]) for place in different] == [(BASELINE, EXTENDED)]
        assert segments(extended).keys() - segments(baseline).keys() == {EXTENDED}


@pytest.mark.parametrize("syntax", ["4.57", "4.70"])
@pytest.mark.parametrize(
    ("pixels", "precision"),
    [
        (GREY, 8),
        (CT, 12),
        (replace(CT, bits_stored=16, high_bit=15), 16),
        (replace(CT, is_signed=True), 16),
        (replace(CT, bits_stored=7, high_bit=6), 9),
        (RGB, 8),
    ],
)
def test_lossless_jpeg_names_its_bits_and_the_first_predictor(
    syntax: str, pixels: Pixels, precision: int
) -> None:
    found = encoded(syntax, pixels)
    assert found[LOSSLESS][0] == precision
    assert found[0xDA][-3:] == b"\1\0\0"  # selection value, none, point transform


def test_lossless_jpeg_says_whether_colours_are_rgb() -> None:
    assert encoded("4.70", RGB)[0xEE].startswith(b"Adobe")
    ycbcr = encoded("4.70", replace(RGB, photometric_interpretation="YBR_FULL"))
    assert not ycbcr.keys() & {0xE0, 0xEE}
    assert ycbcr[LOSSLESS][6:15:3] == ycbcr[0xDA][1:7:2] == b"\1\2\3"


@pytest.mark.parametrize("syntax", ["4.80", "4.81"])
@pytest.mark.parametrize("pixels", [GREY, CT, RGB])
def test_jpeg_ls_begins_with_its_frame(syntax: str, pixels: Pixels) -> None:
    found = encoded(syntax, pixels)
    assert next(iter(found)) == 0xF7
    assert found[0xF7][0] == pixels.bits_allocated
    assert (found[0xDA][-3] > 0) == (syntax == "4.81")


@pytest.mark.parametrize(("syntax", "photometric"), [("4.90", "YBR_RCT"), ("4.91", "YBR_ICT")])
def test_jpeg_2000_transforms_rgb_and_nothing_else(syntax: str, photometric: str) -> None:
    for pixels, transformed in (
        (RGB, photometric),
        (replace(RGB, photometric_interpretation="YBR_FULL"), "YBR_FULL"),
        (CT, "MONOCHROME2"),
    ):
        found = encoded(syntax, pixels)
        assert codec_for(U + syntax).encoded_photometric(pixels) == transformed
        assert found[0x52][4] == (transformed == photometric)
        assert found[0x52][9] == (syntax == "4.90")
        assert found[0x51][36] + 1 == pixels.bits_stored


@pytest.mark.parametrize("syntax", ["4.201", "4.202", "4.203"])
@pytest.mark.parametrize("side", [16, 48, 2500])
def test_htj2k_goes_by_resolution_down_to_a_small_image_and_lists_its_parts(syntax: str, side: int) -> None:
    pixels = replace(CT, rows=3, columns=side)
    found = encoded(syntax, pixels)
    assert found[0x52][1] == 2  # RPCL
    assert found[0x52][8] == 0x40  # HT code-blocks
    assert found[0x52][9] == (syntax != "4.203")
    assert side / (1 << found[0x52][5]) <= 64
    assert 0x55 in found  # TLM
    assert found[0x51][36] + 1 == pixels.bits_stored


@pytest.mark.parametrize("is_signed", [False, True])
def test_jpeg_2000_says_whether_samples_are_signed(*, is_signed: bool) -> None:
    for syntax in ("4.90", "4.91", "4.201", "4.203"):
        assert (encoded(syntax, replace(CT, is_signed=is_signed))[0x51][36] >= 0x80) is is_signed


def test_segments_of_run_lengths_are_even_and_their_rows_separate() -> None:
    pixels = Pixels(5, 3, 1, 16, 16, 15)
    data = codec_for(U + "5").encode(frame_of(pixels) * 0, pixels, 1)
    assert data[:12] == b"\2\0\0\0" + b"\x40\0\0\0" + b"\x4a\0\0\0"
    assert data[64:] == 2 * (5 * b"\xfe\0")  # three zeros, five times


def test_only_what_has_frames_has_a_codec() -> None:
    assert codec_of("1.2.840.10008.1.2.1") is None
    assert codec_of("1.2.840.10008.1.2.4.100") is None
    assert codec_of(U + "5") is codec_of(U + "5")
    assert [syntax for syntax in SYNTAXES if codec_for(syntax).planar_configuration] == [U + "5"]
