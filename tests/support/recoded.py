"""Recoding one file, and data sets that pydicom writes in every encoding, with something of every VR."""

from __future__ import annotations

import struct
import warnings
from functools import cache
from io import BytesIO
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from dicomorph.dicom.recoding.recode import recode
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from tests.dicom_factory import BIG, CT_IMAGE_STORAGE, DEFLATED, EXPLICIT, IMPLICIT

ENCODINGS = [IMPLICIT, EXPLICIT, BIG, DEFLATED]
PAIRS = [(one, other) for one in ENCODINGS for other in ENCODINGS if one != other]
_WORDS = {"OB": "B", "OD": "d", "OF": "f", "OL": "I", "OV": "Q", "OW": "H"}

# An attribute of each VR, in a group below that of the pixels, and some values of it.
_VALUES: dict[int, tuple[str, Any]] = {
    0x00080008: ("CS", ["ORIGINAL", "PRIMARY"]),
    0x00080020: ("DA", "20200101"),
    0x00080030: ("TM", "101112.123"),
    0x0008002A: ("DT", "20200101101112"),
    0x00080054: ("AE", "STATION"),
    0x00080056: ("CS", ""),
    0x00080080: ("LO", "Odd"),
    0x00080081: ("ST", "Street"),
    0x00080090: ("PN", "Roe^Richard"),
    0x00080119: ("UC", "long code value"),
    0x00080120: ("UR", "http://localhost/1"),
    0x00080301: ("US", [1, 258]),
    0x00083010: ("UI", "1.2.3"),
    0x0008040D: ("UV", [1 << 40, 8]),
    0x00081161: ("UL", [1 << 20, 1]),
    0x00081163: ("FD", [1.5, -2.25]),
    0x00101010: ("AS", "063Y"),
    0x00101030: ("DS", ["70.5", "1"]),
    0x00104000: ("LT", "comment"),
    0x00181320: ("FL", [0.5, 1e9]),
    0x00186020: ("SL", [-70000, 1]),
    0x00189219: ("SS", -300),
    0x00200010: ("SH", "42"),
    0x00200013: ("IS", "-3"),
    0x00280009: ("AT", [0x00181063, 0x00181065]),
    0x00280010: ("US", 2),
    0x00280103: ("US", 1),
    0x00280106: ("SS", -2),
    0x00281201: ("OW", [1, 2, 65535]),
    0x0040A160: ("UT", "text"),
    0x00660016: ("OF", [1.5, 2.5]),
    0x00660022: ("OD", [1.5, -3.5]),
    0x00660129: ("OL", [1, 70000]),
    0x00720082: ("SV", [-(1 << 40), 7]),
    0x00420011: ("OB", [1, 2, 3, 4]),
    0x7FE00001: ("OV", [1, 1 << 40]),
}


def recoded(data: bytes, transfer_syntax: str, **others: Any) -> bytes:
    """Return a file in another transfer syntax."""
    source = BufferSource(data)
    script = recode(source, transfer_syntax, **others)
    output = script.join(source)
    assert len(output) == script.size
    assert b"".join(script.chunks(source)) == output
    return output


def body(data: bytes) -> bytes:
    """Return the data set of a file, inflated if it is deflated."""
    found = open_dataset(BufferSource(data))
    return found.source.read(found.start, found.source.size)


def every_vr(order: str, depth: int = 3) -> Dataset:
    """Return a data set with something of every VR at every depth, for a byte order.

    Numbers in a stream of words (OW and the like) are bytes to pydicom, so that they must be in order.
    """
    found = Dataset()
    for tag, (vr, value) in _VALUES.items():
        if vr in _WORDS:
            value = struct.pack(f"{order}{len(value)}{_WORDS[vr]}", *value)  # noqa: PLW2901
        found.add(DataElement(tag, vr, value))
    found.add(DataElement(0x00090010, "LO", "ACME 1.1"))
    found.add(DataElement(0x00091001, "UN", b"\1\2\3\4"))
    if depth:
        for tag, inner in ((0x00081140, depth - 1), (0x0040A730, 0)):
            undefined = (tag == 0x00081140) is bool(depth % 2)
            items = [every_vr(order, inner), Dataset()]
            for item in items:
                item.is_undefined_length_sequence_item = undefined
            sequence = DataElement(tag, "SQ", Sequence(items))
            sequence.is_undefined_length = undefined
            found.add(sequence)
        found.add(DataElement(0x00081115, "SQ", []))
    else:
        found.add(DataElement(0x7FE00010, "OW", struct.pack(order + "4H", 1, 2, 3, 65535)))
    return found


@cache
def file_of_every_vr(transfer_syntax: str) -> bytes:
    """Return such a data set, three sequences deep, as a file."""
    return written(every_vr(order_of(transfer_syntax)), transfer_syntax)


def written(found: Dataset, transfer_syntax: str) -> bytes:
    """Return a file as pydicom writes it."""
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = UID(CT_IMAGE_STORAGE)
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = UID("1.2.3")
    stream = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def order_of(transfer_syntax: str) -> str:
    """Return the byte order of a transfer syntax, as in `struct`."""
    return ">" if transfer_syntax == BIG else "<"
