"""The metadata that the server itself keeps, by Orthanc's names and numbers (spec 1.4)."""

from __future__ import annotations

from datetime import datetime

SYSTEM_METADATA = {
    "IndexInSeries": 1,
    "ReceptionDate": 2,
    "RemoteAET": 3,
    "ExpectedNumberOfInstances": 4,
    "ModifiedFrom": 5,
    "AnonymizedFrom": 6,
    "LastUpdate": 7,
    "Origin": 8,
    "TransferSyntax": 9,
    "SopClassUid": 10,
    "RemoteIP": 11,
    "CalledAET": 12,
    "HttpUsername": 13,
    "PixelDataOffset": 14,
    "MainDicomTagsSignature": 15,
    "MainDicomSequences": 16,
    "PixelDataVR": 17,
    "IsProtected": 18,
    "PatientRecyclingOrder": 19,
}


def metadata_time(moment: datetime) -> str:
    """Return a time as metadata hold it, such as ``20240131T235959``."""
    return f"{moment:%Y%m%dT%H%M%S}"
