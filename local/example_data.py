"""``python -m local.example_data SERVER``: store the images that docs/examples.md works on.

Two patients, three studies, four series, five images, all invented. It prints the ids by the
names that the page gives them, as assignments of a shell, and writes the two files that its
commands embed to the working folder.
"""

from __future__ import annotations

import argparse
import io
import json
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FILES: Mapping[str, bytes] = {"content.p7m": b"\x30\x82 an envelope", "report.pdf": b"%PDF-1.7 a report"}
"""What commands of the page embed, by file name."""

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


def main(arguments: list[str] | None = None) -> None:
    """Store the images on the server that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m local.example_data", description="Store the images of docs/examples.md."
    )
    parser.add_argument("server", help="such as http://127.0.0.1:8042")
    server: str = parser.parse_args(arguments).server
    ids, _ = store_examples(lambda content: _upload(server, content))
    for name, content in FILES.items():
        Path(name).write_bytes(content)
    for name, resource_id in ids.items():
        print(f"{name}={resource_id}")


def store_examples(
    upload: Callable[[bytes], Mapping[str, Any]],
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Store the images.

    Parameters
    ----------
    upload : Callable[[bytes], Mapping[str, Any]]
        Stores a file, and returns the answer of ``POST /instances``.

    Returns
    -------
    dict[str, str]
        Orthanc's ids, by the names that the page gives them.
    dict[str, bytes]
        The files, by id.
    """
    ids: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, place in _IMAGES.items():
        content = _encoded(_image(place))
        stored = upload(content)
        ids[name], files[stored["ID"]] = stored["ID"], content
        for level in ("Series", "Study", "Patient"):
            ids.setdefault(name.replace("INSTANCE", level.upper()), stored[f"Parent{level}"])
    return ids, files


def _upload(server: str, content: bytes) -> Mapping[str, Any]:
    request = urllib.request.Request(f"{server}/instances", content)  # noqa: S310 - the user's own address
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        stored: dict[str, Any] = json.load(answer)
    return stored


def _encoded(image: Dataset) -> bytes:
    stream = io.BytesIO()
    image.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _uid(*numbers: int) -> str:
    return ".".join((_ROOT, *map(str, numbers)))


def _image(place: _Place) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

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
    from pydicom.dataset import Dataset as Item
    from pydicom.uid import CTImageStorage

    reference = Item()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = _uid(*place[:3], 1)
    image.ReferencedImageSequence = [reference]
    image.RequestAttributesSequence = [_request(1), _request(2)]


def _request(number: int) -> Dataset:
    from pydicom.dataset import Dataset as Item

    code = Item()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "24627-2", "LN", "CT Chest"
    request = Item()
    request.RequestedProcedureID = f"P-{number}"
    request.RequestedProcedureDescription = "CT thorax"
    request.RequestedProcedureCodeSequence = [code]
    return request


if __name__ == "__main__":
    main()
