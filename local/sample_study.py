"""``python -m local.sample_study FOLDER``: write a small synthetic study to try the server with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ROOT = "1.2.826.0.1.3680043.8.498.1"
_SIDE = 64  # pixels
_SERIES = ("Thorax, lung window", "Thorax, soft tissue")
_IMAGES = 3


def main(arguments: list[str] | None = None) -> None:
    """Write the study to the folder that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m local.sample_study", description="Write a synthetic study."
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(arguments).folder
    files = write_sample_study(folder)
    print(f"Wrote {len(files)} files to {folder}")


def write_sample_study(folder: Path) -> list[Path]:
    """Write one study of two series with three images each; the same files each time.

    The patient is invented. The images hold a private block, a nested patient name and
    references to one another, which is what anonymization has to deal with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for series, description in enumerate(_SERIES, start=1):
        for image in range(1, _IMAGES + 1):
            files.append(folder / f"ct-{series}-{image}.dcm")
            dataset = _image(series, description, image)
            dataset.save_as(files[-1], enforce_file_format=True)
    return files


def _image(series: int, description: str, image: int) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPClassUID = CTImageStorage
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _identify(dataset, series, image)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Modality = "CT"
    dataset.Manufacturer = "Example Devices"
    dataset.InstitutionName = "Example Hospital"
    dataset.ReferringPhysicianName = "Roe^Jane"
    dataset.StudyDescription = "CT thorax"
    dataset.SeriesDescription = description
    _nest(dataset, series)
    private = dataset.private_block(0x0029, "EXAMPLE DEVICES", create=True)
    private.add_new(0x01, "LO", "Operator: Jane Roe")
    _draw(dataset, series, image)
    return dataset


def _identify(dataset: Dataset, series: int, image: int) -> None:
    dataset.PatientName = "Doe^John"
    dataset.PatientID = "EXAMPLE-1"
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = "O"
    dataset.StudyDate, dataset.StudyTime = "20240102", "101500"
    dataset.AccessionNumber = "A-1"
    dataset.StudyID = "1"
    dataset.StudyInstanceUID = f"{_ROOT}.1"
    dataset.SeriesInstanceUID = f"{_ROOT}.1.{series}"
    dataset.SOPInstanceUID = f"{_ROOT}.1.{series}.{image}"
    dataset.FrameOfReferenceUID = f"{_ROOT}.2"
    dataset.SeriesNumber, dataset.InstanceNumber = series, image


def _nest(dataset: Dataset, series: int) -> None:
    from pydicom.dataset import Dataset as Item

    reference = Item()
    reference.ReferencedSOPClassUID = dataset.SOPClassUID
    reference.ReferencedSOPInstanceUID = f"{_ROOT}.1.{series}.1"
    dataset.ReferencedImageSequence = [reference]
    request = Item()
    request.RequestedProcedureDescription = "CT thorax"
    request.PatientName = dataset.PatientName
    dataset.RequestAttributesSequence = [request]


def _draw(dataset: Dataset, series: int, image: int) -> None:
    dataset.Rows = dataset.Columns = _SIDE
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = b"".join(
        ((row * column * image * series) % 4096).to_bytes(2, "little")
        for row in range(_SIDE)
        for column in range(_SIDE)
    )


if __name__ == "__main__":
    main()
