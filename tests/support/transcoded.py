"""Files in another transfer syntax, and a second reading of their pixels."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import pydicom
from pydicom.pixels.utils import pixel_array

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.transcoding.transcode import Target, transcode

RLE = "1.2.840.10008.1.2.5"


def script_of(data: bytes, syntax: str, *, quality: int = 90, uid: str = "") -> EditScript:
    return transcode(BufferSource(data), Target(syntax, quality), sop_instance_uid=uid)


def transcoded(data: bytes, syntax: str, *, quality: int = 90, uid: str = "") -> bytes:
    """Return a file in a transfer syntax."""
    source = BufferSource(data)
    return transcode(source, Target(syntax, quality), sop_instance_uid=uid).join(source)


def read(data: bytes) -> pydicom.FileDataset:
    return pydicom.dcmread(BytesIO(data))


def rgb_by_pydicom(data: bytes) -> Any:
    """Return the samples of all frames as pydicom shows them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pixel_array(read(data))


def pixels_by_pydicom(data: bytes) -> Any:
    """Return the samples of all frames as pydicom decodes them, without a change of colours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pixel_array(read(data), raw=True)
