"""The files that are mutated: pydicom's, generated ones, and recorded ones where they are at hand."""

from __future__ import annotations

import random
import warnings
import zlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pydicom

from tests.compat.data_sets import BIG, DEFLATED, EXPLICIT, IMPLICIT, read_file
from tests.dicom_factory import JPEG, rich_file
from tests.fuzz.structure import Header, headers

BUNDLED = Path(pydicom.__file__).parent / "data"
RECORDED = Path(__file__).parents[3] / "shared" / "golden" / "visible" / "files"
PREFIX = 132
_COMMON_SIZE = 20_000  # bytes

# Every transfer syntax family, nesting of every kind, private blocks, odd containers.
BUNDLED_NAMES = (
    *("CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_RLE.dcm"),
    *(
        "693_J2KI.dcm",
        "JPEG2000.dcm",
        "JPGExtended.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
    ),
    *("SC_jpeg_no_color_transform.dcm", "SC_rgb_jls_lossy_line.dcm", "liver_1frame.dcm", "rtdose.dcm"),
    *("liver_expb_1frame.dcm", "reportsi.dcm", "test-SR.dcm", "rtplan.dcm", "rtstruct.dcm", "image_dfl.dcm"),
    *("nested_priv_SQ.dcm", "UN_sequence.dcm", "meta_missing_tsyntax.dcm", "no_meta_group_length.dcm"),
    *("hotiron.dcm", "chrSQEncoding.dcm", "chrJapMulti.dcm", "DICOMDIR-empty.dcm", "waveform_ecg.dcm"),
)
RECORDED_NAMES = (
    *("syn-nested.dcm", "syn-private.dcm", "syn-sr.dcm", "syn-multiframe.dcm", "DummyCT.dcm", "Issue111.dcm"),
    *("HierarchicalAnonymization_2019-03-28_PR000000.dcm", "HierarchicalAnonymization_StructuredReports_IM0"),
    *("Issue22-NoPixelData.dcm", "PrivateMDNTags.dcm", "Beaufix_IM-0001-0001.dcm", "Formats_Rle.dcm"),
    "DicomSeg.dcm",
)


class Seed(NamedTuple):
    """A file to mutate; a deflated data set is inflated here."""

    name: str
    head: bytes  # goes in front of a data set that is deflated after it was mutated
    data: bytes
    headers: list[Header]

    def file(self, data: bytes) -> bytes:
        """Return the file for a mutated data set."""
        if not self.head:
            return data
        compressor = zlib.compressobj(wbits=-15)
        return self.head + compressor.compress(data) + compressor.flush()


def drawn(rng: random.Random) -> Seed:
    """Return a seed, rarely one of the large files."""
    return rng.choices(corpus(), _weights())[0]


@cache
def _weights() -> tuple[float, ...]:
    return tuple(_COMMON_SIZE / (_COMMON_SIZE + len(seed.data)) for seed in corpus())


@cache
def corpus() -> tuple[Seed, ...]:
    """Return the seeds, the same ones in the same order wherever the same files are at hand."""
    bundled = {path.name: path for path in BUNDLED.rglob("*") if path.is_file()}
    paths = [bundled[name] for name in BUNDLED_NAMES]
    paths += [RECORDED / name for name in RECORDED_NAMES if (RECORDED / name).exists()]
    files = {path.name: path.read_bytes() for path in paths}
    for syntax in (EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG):
        files[f"generated {syntax}"] = rich_file(syntax=syntax, charset="ISO_IR 192")
    return tuple(_seed(name, data) for name, data in files.items())


def _seed(name: str, data: bytes) -> Seed:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        syntax = read_file(data).syntax
    start = _data_set_start(data)
    if syntax != DEFLATED:
        return Seed(name, b"", data, headers(data, start, syntax))
    inflated = zlib.decompressobj(-15).decompress(data[start:])
    return Seed(name, data[:start], inflated, headers(inflated, 0, EXPLICIT))


def _data_set_start(data: bytes) -> int:
    """Return where group 0002 ends."""
    start = PREFIX if data[128:PREFIX] == b"DICM" else 0
    found = [h for h in headers(data, start, EXPLICIT) if data[h.start : h.start + 2] == b"\2\0"]
    return max((header.stop for header in found), default=start)
