"""Orthanc's identifiers: SHA-1 over the DICOM identifiers of a resource (spec 1.2).

An identifier of a patient is an unkeyed digest of the PatientID: treat it as an
identifier of a person, and keep it out of logs.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from dicomorph.model.resources import Ancestry

_ORTHANC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


@dataclass(frozen=True, slots=True)
class DicomIdentifiers:
    """The four identifying values of an instance, decoded, trailing padding removed."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


def orthanc_id(*values: str) -> str:
    """Return the identifier of the resource that these DICOM identifiers name.

    Parameters
    ----------
    *values : str
        PatientID, then StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID as far as
        the level goes down.

    Examples
    --------
    >>> orthanc_id("")
    'da39a3ee-5e6b4b0d-3255bfef-95601890-afd80709'
    """
    digest = hashlib.sha1("|".join(values).encode("utf-8"), usedforsecurity=False).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))


def is_orthanc_id(text: str) -> bool:
    """Tell whether a text has the form of an identifier.

    Examples
    --------
    >>> is_orthanc_id("da39a3ee-5e6b4b0d-3255bfef-95601890-afd80709")
    True
    """
    return _ORTHANC_ID.fullmatch(text) is not None


def ancestry_of(identifiers: DicomIdentifiers) -> Ancestry:
    """Return the Orthanc identifiers of an instance and of its parents."""
    patient, study, series, instance = (
        identifiers.patient_id,
        identifiers.study_instance_uid,
        identifiers.series_instance_uid,
        identifiers.sop_instance_uid,
    )
    return Ancestry(
        orthanc_id(patient),
        orthanc_id(patient, study),
        orthanc_id(patient, study, series),
        orthanc_id(patient, study, series, instance),
    )
