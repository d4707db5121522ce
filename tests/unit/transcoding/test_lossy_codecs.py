"""Lossy codecs keep within their error, keep colours, and get better with the quality."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from dicomorph.transcoding.codecs.jpeg_ls import largest_difference
from dicomorph.transcoding.codecs.quality import relative_error
from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import declared_range
from tests.support.coded_frames import (
    DCMTK,
    U,
    codec_for,
    decoded_by_another,
    decoded_by_dcmtk,
    frame_of,
    kinds_of,
)
from tests.support.codestreams import BUNDLED

LOSSY = [syntax for syntax in SYNTAXES if codec_for(syntax).is_lossy]
each_syntax = pytest.mark.parametrize("syntax", LOSSY, ids=[syntax.removeprefix(U) for syntax in LOSSY])
FEW_BITS = (8, 12, 16)
COLOUR = Pixels(120, 160, 3, photometric_interpretation="RGB")
GREY, GREY_8 = Pixels(128, 128, 1, 16, 12, 11), Pixels(128, 128)


@cache
def real_frame(pixels: Pixels) -> Samples:
    """Return an ultrasound image with coloured flow, or a CT."""
    if pixels.is_colour:
        frame = dcmread(BUNDLED / "examples_rgb_color.dcm").pixel_array[60:180, 80:240]
    else:
        frame = (
            dcmread(BUNDLED / "CT_small.dcm").pixel_array
            // (GREY.bits_allocated // pixels.bits_allocated) ** 4
        )
    return np.ascontiguousarray(frame, pixels.dtype)


def decoded(syntax: str, pixels: Pixels, data: bytes) -> Samples:
    codec = codec_for(syntax)
    return codec.decode(
        data,
        replace(
            pixels,
            photometric_interpretation=codec.encoded_photometric(pixels),
            bits_stored=codec.encoded_bits_stored(pixels),
            high_bit=codec.encoded_bits_stored(pixels) - 1,
        ),
    )


def root_mean_square(first: Samples, second: Samples) -> float:
    return float(np.sqrt(np.mean((first.astype(float) - second) ** 2)))


def keeps_colours(pixels: Pixels, syntax: str) -> bool:
    return codec_for(syntax).encoded_photometric(pixels) == pixels.photometric_interpretation


@each_syntax
def test_decoded_samples_stay_in_the_range_of_the_bits_stored(syntax: str) -> None:
    codec = codec_for(syntax)
    for pixels in kinds_of(syntax, FEW_BITS):
        ends = np.where(np.indices(pixels.shape).sum(0) % 3, *declared_range(pixels)).astype(pixels.dtype)
        for frame in (frame_of(pixels), ends):
            for quality in (1, 90):
                found = decoded(syntax, pixels, codec.encode(frame, pixels, quality))
                lowest, highest = declared_range(
                    replace(pixels, bits_stored=codec.encoded_bits_stored(pixels))
                )
                assert (found.dtype, found.shape) == (pixels.dtype, pixels.shape)
                assert lowest <= found.min() <= found.max() <= highest


@each_syntax
@pytest.mark.parametrize("is_colour", [False, True])
def test_a_higher_quality_is_nearer_to_the_image_and_larger(syntax: str, *, is_colour: bool) -> None:
    grey = GREY_8 if syntax == U + "4.50" else GREY
    pixels = COLOUR if is_colour else grey
    codec, frame = codec_for(syntax), real_frame(pixels)
    encoded = [codec.encode(frame, pixels, quality) for quality in (1, 12, 34, 56, 78, 90, 100)]
    sizes = [len(data) for data in encoded]
    errors = [root_mean_square(decoded(syntax, pixels, data), frame) for data in encoded]
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert sizes[-1] > 2 * sizes[0]
    assert errors[-1] < errors[0] / 4


@pytest.mark.parametrize("syntax", [U + "4.91", U + "4.203"], ids=["4.91", "4.203"])
def test_wavelets_err_as_the_quality_says(syntax: str) -> None:
    codec = codec_for(syntax)
    for pixels in kinds_of(syntax, range(8, 17, 4)):
        frame = frame_of(pixels, noise_rows=0)
        for quality in (1, 50, 100):
            found = decoded(syntax, pixels, codec.encode(frame, pixels, quality))
            part = root_mean_square(found, frame) / (int(frame.max()) - int(frame.min()))
            assert part < 1.5 * relative_error(quality) + 1 / (1 << pixels.bits_stored)


def test_no_sample_of_jpeg_ls_differs_by_more_than_the_quality_allows() -> None:
    syntax = U + "4.81"
    codec = codec_for(syntax)
    for pixels in kinds_of(syntax, (4, 7, 8, 9, 16)):
        frame = frame_of(pixels)
        for quality in (1, 55, 90, 100):
            found = decoded(syntax, pixels, codec.encode(frame, pixels, quality))
            differences = np.abs(found.astype(np.int64) - frame)
            allowed = largest_difference(quality, pixels)
            lowest, highest = declared_range(pixels)
            middle = (frame >= lowest + allowed) & (frame <= highest - allowed)
            assert differences.max() <= 2 * allowed
            assert differences[middle].max(initial=0) <= allowed


@pytest.mark.parametrize("syntax", [U + "4.50", U + "4.51"], ids=["4.50", "4.51"])
def test_jpeg_errs_by_little_at_a_high_quality(syntax: str) -> None:
    codec = codec_for(syntax)
    for pixels in kinds_of(syntax):
        frame = frame_of(pixels, noise_rows=0)
        if not pixels.is_colour:
            found = decoded(syntax, pixels, codec.encode(frame, pixels, 95))
            assert root_mean_square(found, frame) < 0.01 * (1 << pixels.bits_stored)


@each_syntax
@pytest.mark.parametrize("quality", [50, 90])
def test_colours_are_neither_swapped_nor_shifted(syntax: str, quality: int) -> None:
    codec, frame = codec_for(syntax), real_frame(COLOUR)
    found = decoded(syntax, COLOUR, codec.encode(frame, COLOUR, quality)).astype(float)
    assert np.abs(found.mean((0, 1)) - frame.mean((0, 1))).max() < 1.5
    red_over_blue = frame[..., 0].astype(int) - frame[..., 2] > 60
    assert red_over_blue.sum() > 100
    assert np.mean(found[red_over_blue][:, 0] > found[red_over_blue][:, 2]) > 0.95


@each_syntax
def test_another_decoder_sees_the_same(syntax: str) -> None:
    codec = codec_for(syntax)
    for pixels in kinds_of(syntax, FEW_BITS):
        data = codec.encode(frame_of(pixels), pixels, 80)
        if keeps_colours(pixels, syntax) or syntax in {U + "4.91", U + "4.203"}:
            other = decoded_by_another(data, pixels, syntax)
            assert np.abs(decoded(syntax, pixels, data).astype(int) - other).max() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("syntax", sorted(DCMTK.keys() & set(LOSSY)))
def test_dcmtk_sees_the_same_colours_and_greys(syntax: str, tmp_path: Path) -> None:
    if not shutil.which(DCMTK[syntax][0]):
        pytest.skip("DCMTK is not installed")
    codec = codec_for(syntax)
    grey = GREY_8 if syntax == U + "4.50" else GREY
    for pixels in (COLOUR, replace(COLOUR, photometric_interpretation="YBR_FULL"), grey):
        data = codec.encode(real_frame(pixels), pixels, 90)
        other = decoded_by_dcmtk(data, pixels, syntax, tmp_path)
        assert root_mean_square(decoded(syntax, pixels, data), other) < 1
