"""Frames of every kind of pixels, and decoders that are not ours."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from libjpeg.utils import decode as decode_jpeg
from openjpeg.utils import decode as decode_jpeg_2000
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.rle import _rle_decode_frame
from pydicom.uid import UID

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.registry import codec_of
from dicomorph.transcoding.pixels import Pixels, Samples

U = "1.2.840.10008.1.2."
PHOTOMETRIC = ("MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL")
DCMTK = {
    **dict.fromkeys((U + "4.57", U + "4.70"), ("dcmdjpeg", "--conv-never")),
    **dict.fromkeys((U + "4.50", U + "4.51"), ("dcmdjpeg",)),
    **dict.fromkeys((U + "4.80", U + "4.81"), ("dcmdjpls",)),
    U + "5": ("dcmdrle",),
}
"""Programs that decode, where they can without a change of lossless colours."""


def codec_for(syntax: str) -> Codec:
    codec = codec_of(syntax)
    assert codec
    return codec


def kinds_of(
    syntax: str, bits: Iterable[int] = range(1, 33), rows: int = 13, columns: int = 21
) -> Iterator[Pixels]:
    """Yield pixels of each kind that is encoded in a transfer syntax."""
    codec = codec_for(syntax)
    for photometric in PHOTOMETRIC:
        for allocated, is_signed in ((8, False), (8, True), (16, False), (16, True), (32, False), (32, True)):
            for stored in bits:
                samples = 3 if photometric in {"RGB", "YBR_FULL"} else 1
                pixels = Pixels(rows, columns, samples, allocated, stored, stored - 1, is_signed, photometric)
                try:
                    codec.check(pixels)
                except TranscodingError:
                    continue
                yield pixels


def frame_of(pixels: Pixels, *, noise_rows: int = 5) -> Samples:
    """Return a frame that uses all bits: noise above, and waves below, in each colour others."""
    random = np.random.default_rng(pixels.bits_stored)
    highest = (1 << pixels.bits_stored) - 1
    y, x = np.mgrid[: pixels.rows, : pixels.columns]
    waves = ((np.sin(x / 9) + np.cos(y / 7) + 2) / 4 * highest).astype(np.int64)
    if pixels.is_colour:
        waves = np.stack([waves, highest - waves, x * highest // pixels.columns], axis=-1)
    waves[:noise_rows] = random.integers(0, highest, waves[:noise_rows].shape, endpoint=True)
    return np.asarray(waves - ((highest + 1) // 2 if pixels.is_signed else 0), pixels.dtype)


def write_frame(path: Path, data: bytes, pixels: Pixels, syntax: str) -> None:
    """Write a file with one encoded frame."""
    codec = codec_for(syntax)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    dataset.Rows, dataset.Columns = pixels.rows, pixels.columns
    dataset.SamplesPerPixel = pixels.samples_per_pixel
    dataset.BitsAllocated = pixels.bits_allocated
    dataset.BitsStored = codec.encoded_bits_stored(pixels)
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.is_signed)
    dataset.PhotometricInterpretation = codec.encoded_photometric(pixels)
    if pixels.is_colour:
        dataset.PlanarConfiguration = codec.planar_configuration
    if pixels.photometric_interpretation == "PALETTE COLOR":
        for colour in ("Red", "Green", "Blue"):
            setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(dataset, f"{colour}PaletteColorLookupTableData", bytes(512))
    dataset.PixelData = encapsulate([data + b"\0" * (len(data) % 2)])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.save_as(path, enforce_file_format=True)


def decoded_by_another(data: bytes, pixels: Pixels, syntax: str, *, to_rgb: bool = False) -> Samples:
    """Return what another decoder makes of a frame, colours as they are encoded, or from YCbCr to RGB."""
    if syntax == U + "5":
        size = (pixels.rows, pixels.columns, pixels.samples_per_pixel, pixels.bits_allocated)
        planes = np.frombuffer(_rle_decode_frame(data, *size, segment_order=">"), pixels.dtype)
        return _interleaved(planes, pixels, is_planar=True)
    is_jpeg = data.startswith(b"\xff\xd8")
    samples = np.asarray(decode_jpeg(data, int(to_rgb)) if is_jpeg else decode_jpeg_2000(data))
    assert samples.dtype.itemsize == pixels.dtype.itemsize
    return samples.view(pixels.dtype).reshape(pixels.shape)


def decoded_by_dcmtk(data: bytes, pixels: Pixels, syntax: str, folder: Path) -> Samples:
    """Return what a program of DCMTK makes of a frame, with colours as it converts them."""
    written, decoded = folder / "frame.dcm", folder / "decoded.dcm"
    write_frame(written, data, pixels, syntax)
    subprocess.run([*DCMTK[syntax], written, decoded], check=True, capture_output=True)
    dataset = dcmread(decoded)
    samples = np.frombuffer(dataset.PixelData, pixels.dtype)
    return _interleaved(samples, pixels, is_planar=dataset.get("PlanarConfiguration", 0) == 1)


def _interleaved(samples: Samples, pixels: Pixels, *, is_planar: bool) -> Samples:
    """Return the frame, without the byte that pads it."""
    frame = samples[: np.prod(pixels.shape)]
    if pixels.is_colour and is_planar:
        return np.moveaxis(frame.reshape(3, pixels.rows, pixels.columns), 0, -1)
    return frame.reshape(pixels.shape)
