"""Frames of other encoders are decoded as other decoders decode them."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.jpeg_lossless import JpegLosslessCodec
from dicomorph.transcoding.pixels import Pixels, Samples
from tests.support.coded_frames import U, codec_for, decoded_by_another, frame_of
from tests.support.codestreams import BUNDLED, JPEG_2000

# JPEG 2000 whose sign is not that of the data set, and with a transform of colours; JPEG-LS by line and by
# sample; lossless JPEG; RLE with 16 and 32 bits.
RAW = [
    "693_J2KI.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_32bit.dcm",
    "rtdose_rle.dcm",
]
# What pydicom's test image shows, every ten rows from above.
COLOURS = [
    *[(255, 0, 0), (255, 128, 128), (0, 255, 0), (128, 255, 128), (0, 0, 255), (128, 128, 255)],
    *[(0, 0, 0), (64, 64, 64), (192, 192, 192), (255, 255, 255)],
]
JPEG_COLOURS = [
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+n2.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm",
]


def pixels_of(dataset: Dataset) -> Pixels:
    return Pixels(
        dataset.Rows,
        dataset.Columns,
        dataset.SamplesPerPixel,
        dataset.BitsAllocated,
        dataset.BitsStored,
        dataset.HighBit,
        bool(dataset.PixelRepresentation),
        dataset.PhotometricInterpretation,
        number_of_frames=int(dataset.get("NumberOfFrames", 1)),
    )


def frames(dataset: Dataset) -> Iterator[bytes]:
    return generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1)))


def decoded(dataset: Dataset) -> Iterator[Samples]:
    codec = codec_for(dataset.file_meta.TransferSyntaxUID)
    for frame in frames(dataset):
        yield codec.decode(frame, pixels_of(dataset))


@pytest.mark.parametrize("name", RAW)
def test_samples_are_those_that_another_decoder_reads(name: str) -> None:
    dataset = dcmread(BUNDLED / name)
    pixels = pixels_of(dataset)
    stored = (1 << pixels.bits_stored) - 1
    for frame, found in zip(frames(dataset), decoded(dataset), strict=True):
        other = decoded_by_another(frame, pixels, dataset.file_meta.TransferSyntaxUID)
        assert np.array_equal(found.astype(np.int64) & stored, other.astype(np.int64) & stored)


@pytest.mark.parametrize("name", JPEG_COLOURS)
def test_colours_are_those_that_were_encoded_whatever_the_markers(name: str) -> None:
    dataset = dcmread(BUNDLED / name)
    pixels, codec = pixels_of(dataset), codec_for(dataset.file_meta.TransferSyntaxUID)
    (frame,) = decoded(dataset)
    assert codec.decoded_photometric(pixels) == "RGB"
    assert np.abs(frame[5::10, 50].astype(int) - COLOURS).max() <= 5


@pytest.mark.parametrize(
    ("name", "to_rgb"),
    [
        ("JPGExtended.dcm", False),
        ("SC_jpeg_no_color_transform.dcm", False),
        ("SC_jpeg_no_color_transform_2.dcm", False),
        ("SC_rgb_jpeg_app14_dcmd.dcm", False),
        ("SC_rgb_small_odd_jpeg.dcm", True),
        pytest.param("examples_ybr_color.dcm", True, marks=pytest.mark.slow),
    ],
)
def test_lossy_frames_are_those_that_another_decoder_reads(name: str, *, to_rgb: bool) -> None:
    dataset = dcmread(BUNDLED / name)
    syntax = dataset.file_meta.TransferSyntaxUID
    for frame, found in zip(frames(dataset), decoded(dataset), strict=True):
        other = decoded_by_another(frame, pixels_of(dataset), syntax, to_rgb=to_rgb)
        assert np.abs(found.astype(int) - other).mean() < 1


def test_what_the_codestream_says_of_colours_counts_before_the_data_set() -> None:
    codec, pixels = codec_for(U + "4.50"), Pixels(16, 24, 3, photometric_interpretation="RGB")
    frame = np.empty(pixels.shape, np.uint8)
    frame[:] = (200, 40, 90)
    jfif = codec.encode(frame, pixels, 100)
    bare = jfif[:2] + jfif[20:]
    for data, photometric, is_converted in (
        (jfif, "RGB", True),
        (jfif, "YBR_FULL_422", True),
        (bare, "YBR_FULL_422", True),
        (bare, "RGB", False),
        (adobe(bare, 1), "RGB", True),
        (adobe(bare, 0), "YBR_FULL_422", False),
    ):
        found = codec.decode(data, replace(pixels, photometric_interpretation=photometric))
        assert bool(np.abs(found.astype(int) - frame).max() <= 2) == is_converted


def adobe(data: bytes, transform: int) -> bytes:
    return data[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + data[2:]


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_predictor_of_lossless_jpeg_is_decoded(predictor: int, bits: int) -> None:
    pixels = Pixels(30, 41, 1, 8 if bits == 8 else 16, bits, bits - 1)
    codec = JpegLosslessCodec(predictor)
    data = codec.encode(frame_of(pixels), pixels, 1)
    assert np.array_equal(codec.decode(data, pixels), frame_of(pixels))
    assert np.array_equal(decoded_by_another(data, pixels, U + "4.57"), frame_of(pixels))


@pytest.mark.slow
@pytest.mark.parametrize("interleaving", ["default", "line", "sample", "none"])
@pytest.mark.parametrize("name", ["SC_rgb_small_odd.dcm", "examples_rgb_color.dcm"])
def test_every_way_to_interleave_colours_in_jpeg_ls_is_decoded(
    interleaving: str, name: str, tmp_path: Path
) -> None:
    if not shutil.which("dcmcjpls"):
        pytest.skip("DCMTK is not installed")
    source = BUNDLED / name
    target = tmp_path / "encoded.dcm"
    subprocess.run(["dcmcjpls", f"--interleave-{interleaving}", source, target], check=True)
    found = next(decoded(dcmread(target)))
    assert np.array_equal(found, dcmread(source).pixel_array)


def test_a_sign_that_only_one_of_both_knows_follows_the_data_set() -> None:
    for syntax in (JPEG_2000, U + "4.201"):
        codec = codec_for(syntax)
        for is_signed in (False, True):
            pixels = Pixels(9, 14, 1, 16, 12, 11, is_signed)
            frame = frame_of(pixels)
            found = codec.decode(codec.encode(frame, pixels, 1), replace(pixels, is_signed=not is_signed))
            assert found.dtype == replace(pixels, is_signed=not is_signed).dtype
            assert np.array_equal(found & 0xFFF, frame & 0xFFF)
            assert np.all(found >> 12 == (np.where(frame & 0x800, -1, 0) if not is_signed else 0))


def test_a_frame_that_is_not_what_the_data_set_says_is_refused() -> None:
    dataset = dcmread(BUNDLED / "JPEG2000-embedded-sequence-delimiter.dcm")
    with pytest.raises(TranscodingError):
        list(decoded(dataset))
