"""Requests that the engine and the oracle both apply."""

from __future__ import annotations

from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request of `/instances/{id}/{modify,anonymize}`, or at a level."""

    body: dict[str, Any]
    anonymize: bool = True
    level: str = "Patient"


_UIDS = {
    "PatientID": "NEW",
    "StudyInstanceUID": "1.2.3.4",
    "SeriesInstanceUID": "1.2.3.4.5",
    "SOPInstanceUID": "1.2.3.4.5.6",
}

REQUESTS: dict[str, Request] = {
    "2023b": Request({}),
    "2021b": Request({"DicomVersion": "2021b"}),
    "2017c": Request({"DicomVersion": "2017c"}),
    "2008": Request({"DicomVersion": "2008"}),
    "keep private": Request({"KeepPrivateTags": True}),
    "keep a leaf": Request(
        {"Keep": ["StudyDescription", "PatientName", "StudyDate", "ReferencedSOPInstanceUID"]}
    ),
    "keep sequences": Request(
        {"Keep": ["ContentSequence", "ReferencedStudySequence", "RequestAttributesSequence", "3006,0010"]}
    ),
    "keep paths": Request(
        {
            "Keep": [
                "ContentSequence",
                "ReferencedImageSequence[*].ReferencedSOPInstanceUID",
                "3006,0010[0].FrameOfReferenceUID",
                "SourceImageSequence[0].PurposeOfReferenceCodeSequence",
                "ReferencedStudySequence[*].PatientName",
            ]
        }
    ),
    "replace paths": Request(
        {
            "Replace": {
                "ReferencedImageSequence[0].ReferencedSOPInstanceUID": "1.2.3",
                "SourceImageSequence[*].PatientComments": "comment",
                "3006,0010[*].3006,0012[0].StudyDate": "20200101",
                "AnatomicRegionSequence[*].SpecificCharacterSet": "ISO_IR 100",
            },
            "Remove": [
                "3006,0020[*].ROIName",
                "BeamSequence[1].BeamName",
                "AnatomicRegionSequence[0].CodeMeaning",
            ],
        }
    ),
    "replace identifiers": Request({"Replace": _UIDS, "Force": True}),
    "keep identifiers": Request({"Keep": list(_UIDS), "Force": True}),
    "replace kinds": Request(
        {
            "Replace": {
                "PatientName": "Doe^Jane",
                "PatientBirthDate": "",
                "StudyDescription": "new",
                "PatientSize": "1.5",
                "Rows": "12",
                "RecommendedDisplayFrameRateInFloat": "1.5",
                "OtherPatientIDsSequence": [{"PatientID": "other", "TypeOfPatientID": "TEXT"}, {}],
                "0012,0063": "method",
            },
            "Remove": ["InstitutionName", "Manufacturer", "PatientSex"],
        }
    ),
    "modify": Request(
        {"Replace": {"PatientName": "Doe^Jane", "StudyID": "1"}, "Remove": ["StudyDate", "ContentSequence"]},
        anonymize=False,
        level="Instance",
    ),
    "modify series": Request(
        {
            "Replace": {"SeriesDescription": "new", "ReferencedImageSequence": []},
            "RemovePrivateTags": True,
            "Keep": ["0009,0010", "SourceImageSequence[0].0009,1001"],
        },
        anonymize=False,
        level="Series",
    ),
    "modify study": Request(
        {
            "Replace": {"StudyInstanceUID": "1.2"},
            "Remove": ["ReferencedImageSequence[*].ReferencedSOPClassUID"],
            "Force": True,
        },
        anonymize=False,
        level="Study",
    ),
    "modify nothing": Request({}, anonymize=False, level="Patient"),
}
