"""The metadata that the server itself keeps, by Orthanc's names and numbers (spec 1.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

INDEX_IN_SERIES: Final = "IndexInSeries"
RECEPTION_DATE: Final = "ReceptionDate"
REMOTE_AET: Final = "RemoteAET"
EXPECTED_NUMBER_OF_INSTANCES: Final = "ExpectedNumberOfInstances"
MODIFIED_FROM: Final = "ModifiedFrom"
ANONYMIZED_FROM: Final = "AnonymizedFrom"
LAST_UPDATE: Final = "LastUpdate"
ORIGIN: Final = "Origin"
TRANSFER_SYNTAX: Final = "TransferSyntax"
SOP_CLASS_UID: Final = "SopClassUid"
REMOTE_IP: Final = "RemoteIP"
CALLED_AET: Final = "CalledAET"
HTTP_USERNAME: Final = "HttpUsername"
PIXEL_DATA_OFFSET: Final = "PixelDataOffset"
MAIN_DICOM_TAGS_SIGNATURE: Final = "MainDicomTagsSignature"
MAIN_DICOM_SEQUENCES: Final = "MainDicomSequences"
PIXEL_DATA_VR: Final = "PixelDataVR"
IS_PROTECTED: Final = "IsProtected"
PATIENT_RECYCLING_ORDER: Final = "PatientRecyclingOrder"

SYSTEM_METADATA = {
    INDEX_IN_SERIES: 1,
    RECEPTION_DATE: 2,
    REMOTE_AET: 3,
    EXPECTED_NUMBER_OF_INSTANCES: 4,
    MODIFIED_FROM: 5,
    ANONYMIZED_FROM: 6,
    LAST_UPDATE: 7,
    ORIGIN: 8,
    TRANSFER_SYNTAX: 9,
    SOP_CLASS_UID: 10,
    REMOTE_IP: 11,
    CALLED_AET: 12,
    HTTP_USERNAME: 13,
    PIXEL_DATA_OFFSET: 14,
    MAIN_DICOM_TAGS_SIGNATURE: 15,
    MAIN_DICOM_SEQUENCES: 16,
    PIXEL_DATA_VR: 17,
    IS_PROTECTED: 18,
    PATIENT_RECYCLING_ORDER: 19,
}

ORIGINS = (ANONYMIZED_FROM, MODIFIED_FROM)
"""Which resource of its level a product was made of; written to parents at every store."""

OF_MAIN_TAGS = (MAIN_DICOM_TAGS_SIGNATURE, MAIN_DICOM_SEQUENCES)
"""What belongs to the main tags, and is rebuilt with them."""

_TIME = "%Y%m%dT%H%M%S"


def metadata_time(moment: datetime) -> str:
    """Return a time as Orthanc writes it, such as ``20240131T235959``."""
    return format(moment, _TIME)


def read_metadata_time(text: str) -> datetime:
    """Return the time in UTC that a metadata holds; raise `ValueError` if it holds none."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
