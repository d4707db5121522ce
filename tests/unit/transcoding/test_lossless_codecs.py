"""Lossless codecs give back each bit, and other decoders read the same."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.pixels import Pixels
from tests.support.coded_frames import (
    DCMTK,
    U,
    codec_for,
    decoded_by_another,
    decoded_by_dcmtk,
    frame_of,
    kinds_of,
)

LOSSLESS = [syntax for syntax in SYNTAXES if not codec_for(syntax).is_lossy]
each_syntax = pytest.mark.parametrize("syntax", LOSSLESS, ids=[syntax.removeprefix(U) for syntax in LOSSLESS])
# Less than a byte, a byte, 12 bits, all of them, and more than most decoders know.
FEW_BITS = (1, 8, 12, 16, 24, 32)


def encoded_and_decoded(pixels: Pixels, syntax: str) -> bytes:
    """Return the frame of these pixels as it is encoded, having seen that it comes back."""
    codec, frame = codec_for(syntax), frame_of(pixels)
    data = codec.encode(frame, pixels, 1)
    encoded = replace(pixels, photometric_interpretation=codec.encoded_photometric(pixels))
    decoded = codec.decode(data, encoded)
    assert (decoded.dtype, decoded.flags.c_contiguous) == (frame.dtype, True)
    assert np.array_equal(decoded, frame)
    assert codec.decoded_photometric(encoded) == pixels.photometric_interpretation
    return data


@each_syntax
def test_all_bits_come_back_from_our_decoder_and_another(syntax: str) -> None:
    kinds = list(kinds_of(syntax, FEW_BITS))
    assert len(kinds) > 18
    for pixels in kinds:
        data = encoded_and_decoded(pixels, syntax)
        assert np.array_equal(decoded_by_another(data, pixels, syntax), frame_of(pixels)), pixels


@pytest.mark.slow
@each_syntax
@pytest.mark.parametrize("shape", [(1, 1), (1, 67), (67, 1), (67, 53)])
def test_every_number_of_bits_comes_back_whatever_the_size(syntax: str, shape: tuple[int, int]) -> None:
    for pixels in kinds_of(syntax, rows=shape[0], columns=shape[1]):
        data = encoded_and_decoded(pixels, syntax)
        assert np.array_equal(decoded_by_another(data, pixels, syntax), frame_of(pixels)), pixels


@pytest.mark.slow
@pytest.mark.parametrize("syntax", sorted(DCMTK.keys() & set(LOSSLESS)))
def test_dcmtk_reads_the_same_bits(syntax: str, tmp_path: Path) -> None:
    if not shutil.which(DCMTK[syntax][0]):
        pytest.skip("DCMTK is not installed")
    for pixels in kinds_of(syntax, (5, 12, 16)):
        data = encoded_and_decoded(pixels, syntax)
        assert np.array_equal(decoded_by_dcmtk(data, pixels, syntax, tmp_path), frame_of(pixels)), pixels


@each_syntax
@pytest.mark.parametrize(("photometric", "samples"), [("MONOCHROME2", 1), ("RGB", 3)])
def test_noise_that_grows_comes_back(syntax: str, photometric: str, samples: int) -> None:
    pixels = Pixels(37, 51, samples, photometric_interpretation=photometric)
    codec, frame = codec_for(syntax), frame_of(pixels, noise_rows=37)
    encoded = replace(pixels, photometric_interpretation=codec.encoded_photometric(pixels))
    assert np.array_equal(codec.decode(codec.encode(frame, pixels, 1), encoded), frame)


@each_syntax
def test_the_same_pixels_give_the_same_bytes_however_they_lie_in_memory(syntax: str) -> None:
    pixels = Pixels(32, 48, 3, photometric_interpretation="RGB")
    codec, frame = codec_for(syntax), frame_of(pixels)
    assert codec.encode(np.asfortranarray(frame), pixels, 100) == codec.encode(frame, pixels, 1)
