"""What the store of docs/examples.md holds: two patients, three studies, four series, five images."""

from __future__ import annotations

import io
from typing import NamedTuple

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tests.support.api_client import Client

_ROOT = "1.2.826.0.1.3680043.8.498"


class _Place(NamedTuple):
    patient: int
    study: int
    series: int
    instance: int


_IMAGES = {
    "INSTANCE": _Place(1, 1, 1, 1),
    "NEXT_INSTANCE": _Place(1, 1, 1, 2),
    "OTHER_INSTANCE": _Place(1, 1, 2, 1),
    "FOLLOW_UP_INSTANCE": _Place(1, 2, 1, 1),
    "STRANGERS_INSTANCE": _Place(2, 3, 1, 1),
}


def upload_examples(client: Client) -> tuple[dict[str, str], dict[str, bytes]]:
    """Store the images; return the Orthanc ids by the names that the page gives them, and the files by id."""
    ids: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, place in _IMAGES.items():
        content = _encoded(_image(place))
        answer = client.post("/instances", content)
        assert answer.status == 200
        stored = answer.json
        ids[name], files[stored["ID"]] = stored["ID"], content
        for level in ("Series", "Study", "Patient"):
            ids.setdefault(name.replace("INSTANCE", level.upper()), stored[f"Parent{level}"])
    return ids, files


def _encoded(image: Dataset) -> bytes:
    stream = io.BytesIO()
    image.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _uid(*numbers: int) -> str:
    return ".".join((_ROOT, *map(str, numbers)))


def _image(place: _Place) -> Dataset:
    patient, study, series, instance = place
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = CTImageStorage
    image.PatientID = f"PAT-{patient}"
    image.PatientName = "Doe^Jane" if patient == 1 else "Roe^Richard"
    image.PatientBirthDate = "19700101"
    image.PatientSex = "F" if patient == 1 else "M"
    image.PatientWeight = "70"
    image.StudyInstanceUID = _uid(patient, study)
    image.SeriesInstanceUID = _uid(patient, study, series)
    image.SOPInstanceUID = _uid(*place)
    image.FrameOfReferenceUID = _uid(patient, study, 9)
    image.StudyDate = "20240102"
    image.StudyID = str(study)
    image.StudyDescription = "CT thorax"
    image.SeriesDescription = f"Reconstruction {series}"
    image.Modality = "CT"
    image.InstanceNumber = str(instance)
    image.InstitutionName = "Example Hospital"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.RescaleSlope, image.RescaleIntercept = "1", "-1024"
    _nest(image, place)
    block = image.private_block(0x0029, "ACME 1.1", create=True)
    block.add_new(0x01, "LO", "Operator: Roe")
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image


def _nest(image: Dataset, place: _Place) -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = _uid(*place[:3], 1)
    image.ReferencedImageSequence = [reference]
    image.RequestAttributesSequence = [_request(1), _request(2)]


def _request(number: int) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "24627-2", "LN", "CT Chest"
    request = Dataset()
    request.RequestedProcedureID = f"P-{number}"
    request.RequestedProcedureDescription = "CT thorax"
    request.RequestedProcedureCodeSequence = [code]
    return request
