"""Pixels of each kind through each lossless codec and back, and through a second decoder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicomorph.dicom.standard.transfer_syntaxes import is_lossy_target
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT
from tests.support.codestreams import BUNDLED
from tests.support.pixel_kinds import KINDS, STRAY, Kind
from tests.support.transcoded import RLE, pixels_by_pydicom, read, rgb_by_pydicom, transcoded

JPEG_LOSSLESS = ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"]
JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
HTJ2K = ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202"]
LOSSLESS = [RLE, *JPEG_LOSSLESS, JPEG_LS, JPEG_2000, *HTJ2K]
NATIVES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
ALL = KINDS | STRAY
DCMTK = {RLE: "dcmdrle", JPEG_LS: "dcmdjpls", **dict.fromkeys(JPEG_LOSSLESS, "dcmdjpeg")}


def native(data: bytes) -> bytes:
    """Return the bytes of native pixel data in little endian."""
    found = read(data)
    swaps = found.file_meta.TransferSyntaxUID == BIG and found.BitsAllocated > 8
    value: bytes = found.PixelData
    return np.frombuffer(value, ">u2").astype("<u2").tobytes() if swaps else value


def stored(array: Any, kind: Kind) -> Any:
    """Return numbers without the bits that are not stored."""
    return array.astype(np.int64) & (1 << kind.stored) - 1


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("name", ["8 bits", "12 bits signed", "16 bits signed", "RGB in planes", "palette"])
def test_pixels_come_back_to_the_bit(name: str, syntax: str) -> None:
    kind = ALL[name]
    array = kind.array()
    there = transcoded(kind.file(array), syntax)
    assert native(transcoded(there, EXPLICIT)) == array.tobytes()
    if syntax not in HTJ2K:
        assert np.array_equal(pixels_by_pydicom(there), array)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("name", STRAY)
def test_bits_above_those_that_are_stored_are_not_lost(name: str, syntax: str) -> None:
    array = STRAY[name].array(is_noise=True)
    assert native(transcoded(transcoded(STRAY[name].file(array), syntax), EXPLICIT)) == array.tobytes()


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_signed_numbers_with_zeros_above_them_stay_the_same_numbers(syntax: str) -> None:
    kind = Kind(16, 12, 1, reach=(0, 4095))
    array = kind.array()
    found = np.frombuffer(native(transcoded(transcoded(kind.file(array), syntax), EXPLICIT)), "<i2")
    assert np.array_equal(stored(found, kind), array.ravel())


@pytest.mark.slow
@pytest.mark.parametrize("is_noise", [False, True])
@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("name", ALL)
def test_pixels_of_every_kind_come_back_in_every_encoding(name: str, syntax: str, is_noise: bool) -> None:  # noqa: FBT001 - a parameter
    kind = ALL[name]
    array = kind.array(is_noise=is_noise)
    files = {before: transcoded(kind.file(array, before), syntax) for before in NATIVES}
    assert len(set(files.values())) == 1, "the encoding of the source is nowhere in the product"
    for after in NATIVES:
        assert native(transcoded(files[EXPLICIT], after)) == array.tobytes()
    if syntax not in HTJ2K and not (kind.bits == 8 and kind.stored < 8):  # on which gdcm ends the process
        assert np.array_equal(stored(pixels_by_pydicom(files[EXPLICIT]), kind), stored(array, kind))


@pytest.mark.slow
@pytest.mark.parametrize("before", LOSSLESS)
@pytest.mark.parametrize("after", LOSSLESS)
@pytest.mark.parametrize("name", ["16 bits signed", "12 bits", "RGB", "12 bits and others above them"])
def test_pixels_go_from_one_codec_to_the_other(name: str, before: str, after: str) -> None:
    array = ALL[name].array()
    data = transcoded(transcoded(ALL[name].file(array), before), after)
    assert native(transcoded(data, EXPLICIT)) == array.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("syntax", DCMTK)
@pytest.mark.parametrize("name", ALL)
def test_dcmtk_reads_the_same_pixels(name: str, syntax: str, tmp_path: Path) -> None:
    program = shutil.which(DCMTK[syntax])
    if program is None:
        pytest.skip("no DCMTK here")
    array = ALL[name].array()
    (tmp_path / "there").write_bytes(transcoded(ALL[name].file(array), syntax))
    more = ["--conv-never"] if program.endswith("dcmdjpeg") else []
    subprocess.run([program, *more, tmp_path / "there", tmp_path / "back"], check=True, capture_output=True)
    found = read((tmp_path / "back").read_bytes())
    value = np.frombuffer(found.PixelData, array.dtype)
    if found.get("PlanarConfiguration", 0):
        value = np.moveaxis(value.reshape(2, 3, 13, 18), 1, -1)
    assert np.array_equal(stored(value.ravel(), ALL[name]), stored(array.ravel(), ALL[name]))


@pytest.mark.parametrize("syntax", [each for each in LOSSLESS if each != RLE])
def test_pixels_of_32_bits_are_refused_where_no_codec_takes_them(syntax: str) -> None:
    kind = Kind(32, 32)
    with pytest.raises(TranscodingError):
        transcoded(kind.file(kind.array()), syntax)


@pytest.mark.slow
@pytest.mark.parametrize(
    "syntax", [each for each in SYNTAXES if each not in HTJ2K and not each.endswith(".203")]
)
@pytest.mark.parametrize(
    "name",
    [
        "ExplVR_BigEnd.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "examples_jpeg2k.dcm",
        "examples_ybr_color.dcm",
    ],
)
def test_real_files_keep_their_colours(name: str, syntax: str) -> None:
    """pydicom turns both into RGB, whatever they are in.

    Decoders of JPEG round, and fill in the colours between samples, each in its own way; which one pydicom
    has depends on what is installed.
    """
    before = (BUNDLED / name).read_bytes()
    was, now = rgb_by_pydicom(before), rgb_by_pydicom(transcoded(before, syntax))
    difference = np.abs(was.astype(int) - now.astype(int))
    assert difference.mean() < (2.5 if is_lossy_target(syntax) else 0.2)
