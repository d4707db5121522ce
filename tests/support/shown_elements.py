"""Files of given elements, made by pydicom, and how they are shown as JSON."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.tags_view import TagsForm

SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def shown(raw: bytes, form: TagsForm = TagsForm.SHORT, **options: Any) -> dict[str, Any]:
    """Return a file as JSON."""
    return dataset_json(BufferSource(raw), form=form, default_encoding="Latin1", **options)


def file_of(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a file with a data set."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.840.10008.5.1.4.1.1.7")
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    dataset.file_meta = meta
    output = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(output, enforce_file_format=True)
    return output.getvalue()


def elements(*added: tuple[int | str, str, object]) -> Dataset:
    """Return a data set of elements: keyword or tag, VR, value."""
    dataset = Dataset()
    for name, vr, value in added:
        tag = pydicom.datadict.tag_for_keyword(name) if isinstance(name, str) else name
        assert tag is not None
        dataset.add_new(tag, vr, value)
    return dataset


def raw_file(body: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a file with a data set that is encoded already."""
    return file_of(Dataset(), syntax) + body
