"""Synthetic images: nobody is in them, and each run has patients of its own."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Images:
    """Makes the images of one run.

    Parameters
    ----------
    token : str
        In every identifier, so that runs meet neither one another nor anything else.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(6))

    def patient(self, name: str) -> str:
        """Return a PatientID."""
        return f"SMOKE{self.token}{name}"

    def image(
        self, patient: str, study: int = 1, series: int = 1, number: int = 1, *, size: int = 0
    ) -> bytes:
        """Return a CT image with pixels of a size."""
        from pydicom.dataset import Dataset, FileMetaDataset  # noqa: PLC0415 - not for those who only look for help
        from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian  # noqa: PLC0415

        data: Any = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = CTImageStorage
        root = f"2.25.{int(self.token, 16)}{int.from_bytes(patient.encode(), 'big') % 10**6:06}.{study}"
        data.StudyInstanceUID, data.SeriesInstanceUID = root, f"{root}.{series}"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{root}.{series}.{number}"
        data.PatientID, data.PatientName = self.patient(patient), f"Smoke^{self.patient(patient)}"
        data.PatientBirthDate, data.PatientSex = "19700101", "O"
        data.StudyDate, data.StudyDescription = "20260131", "Synthetic"
        data.Modality, data.InstanceNumber = "CT", str(number)
        if size:
            rows, columns = (size // 1024 or 1), 1024
            data.Rows, data.Columns = rows, columns
            data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
            data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
            data.PixelData = secrets.token_bytes(1024) * rows
        stream = io.BytesIO()
        data.save_as(stream, enforce_file_format=True)
        return stream.getvalue()
