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

EDITIONS = ("2008", "2017c", "2021b", "2023b")

# What an anonymization may say; each is combined with each edition.
_ANONYMIZATIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "keep private": {"KeepPrivateTags": True},
    "keep a private tag": {"Keep": ["0009,1001", "0029,0010", "0009,1002"]},
    "keep leafs": {"Keep": ["PatientName", "StudyDate", "0008,1155", "PatientBirthDate", "60003000"]},
    "keep sequences": {
        "Keep": ["ContentSequence", "0008,1140", "5200-9230", "ROIContourSequence", "0009,1002"]
    },
    "keep paths": {
        "Keep": [
            "ContentSequence[0].PersonName",
            "0040,A730[*].0040,A730[0].TextValue",
            "0008,1250[*].0008,1115[*].0008,1115[0].PatientName",
            "0008,1250[0].0008,1115[0].PatientID",
            "SourceImageSequence[*].ReferencedSOPInstanceUID",
            "5200,9230[1].DerivationImageSequence",
        ],
        "KeepPrivateTags": True,
    },
    "keep identifiers": {"Keep": list(_UIDS), "Force": True},
    "keep the instance": {"Keep": ["SOPInstanceUID", "FrameOfReferenceUID"], "Force": True},
    "remove": {"Remove": ["Modality", "0008,1140", "PatientSex", "0028,3010", "PatientName", "7FE1,1001"]},
    "replace identifiers": {"Replace": _UIDS, "Force": True, "KeepPrivateTags": True},
    "replace texts": {
        "Replace": {
            "PatientName": "Doe^Jane",
            "StudyDate": "20200101",
            "PatientBirthDate": None,
            "OtherPatientIDs": "A1\\B2\\C3",
            "InstitutionName": "",
            "DeidentificationMethod": "method",
        }
    },
    "replace nested": {
        "Replace": {
            "OtherPatientIDsSequence": [
                {"PatientID": "one", "0010,0024": [{"UniversalEntityID": "two"}, []]},
                {"TypeOfPatientID": "TEXT", "IssuerOfPatientID": None},
            ],
            "0008,1140[*].PurposeOfReferenceCodeSequence": [{"CodeValue": "1"}],
            "0040,A730[0].TextValue": "text",
            "ROIContourSequence[*].ContourSequence[0].NumberOfContourPoints": "3",
        },
        "Remove": ["0008,2112[0].ReferencedSOPClassUID", "0040,A730[*].ConceptNameCodeSequence"],
    },
}

_NUMBERS = {
    "Rows": "12",
    "0028,0106": "7",
    "TagAngleSecondAxis": "-3",
    "ReferencePixelX0": "-70000",
    "SelectorULValue": "1\\4000000000",
    "RecommendedDisplayFrameRateInFloat": "1.5",
    "0018,9087": "0.1\\-2e10",
    "SelectorATValue": "PatientName\\0010,0020",
    "0066,0016": "1.5\\2.5",
    "0070,0023": None,
    "0028,1201": "1\\65535",
    "FrameIncrementPointer": "00181063",
    "ExtendedOffsetTable": "",
    "0066,0040": "1\\2\\3",
}

# What a modification may say; each at a level of its own, or at several.
_MODIFICATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "numbers": ("Instance", {"Replace": _NUMBERS}),
    "octets": (
        "Instance",
        {
            "Replace": {
                "PatientName": "data:application/octet-stream;base64,RG9lXkphbmU=",
                "StudyDescription": "data:text/plain;base64,eA==",
                "ICCProfile": "data:application/octet-stream;base64,AAECAw==",
                "0008,9999": "unknown",
            }
        },
    ),
    "unknown to the creator": ("Instance", {"Replace": {"0009,1001": "text", "0029,1010": "odd"}}),
    "known to the creator": (
        "Instance",
        {
            "Replace": {"0009,0010": "GEMS_IDEN_01", "0009,1001": "ident", "0009,1027": "77"},
            "PrivateCreator": "GEMS_IDEN_01",
        },
    ),
    "remove private": ("Series", {"RemovePrivateTags": True}),
    "remove private but": (
        "Series",
        {
            "RemovePrivateTags": True,
            "Keep": ["0009,0010", "0029,1008", "5200,9230", "0008,1250[0].0008,1115[*].0008,1115"],
        },
    ),
    "remove": (
        "Instance",
        {"Remove": ["PatientSex", "0009,1002", "0040,A730", "7FE0,0010", "5000,0010", "0028,0010"]},
    ),
    "remove paths": (
        "Instance",
        {
            "Remove": [
                "0040,A730[1].0040,A730[*].ConceptNameCodeSequence",
                "5200,9230[*].PlanePositionSequence",
                "( 0008,1140 ) [ 0 ] . ReferencedSOPInstanceUID",
                "0009,1002[0].PatientName",
            ]
        },
    ),
    "replace paths": (
        "Instance",
        {
            "Replace": {
                "0040,A730[*].TextValue": "text",
                "5200,9230[1].0020,9111[0].FrameLabel": "label",
                "0008,1250[*].0008,1115[0].StudyDescription": "below",
                "ROIContourSequence[*].ContourSequence": [],
            }
        },
    ),
    "relabel": ("Instance", {"Replace": {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Ünal^Жук"}}),
    "no character set": ("Instance", {"Remove": ["SpecificCharacterSet"], "Replace": {"PatientName": "É"}}),
    "letters of the west": (
        "Instance",
        {"Replace": {"PatientName": "Ünal^Zoë", "StudyDescription": "Größe"}},
    ),
    "letters of the east": ("Instance", {"Replace": {"PatientName": "Иванов^Иван"}}),
    "patient": ("Patient", {"Replace": {"PatientID": "NEW", "PatientName": None}, "Force": True}),
    "study": (
        "Study",
        {"Replace": {"StudyID": "S", "AccessionNumber": "1"}, "Keep": ["SeriesInstanceUID"], "Force": True},
    ),
    "keep all identifiers": ("Patient", {"Keep": list(_UIDS), "Replace": {"StudyID": "S"}, "Force": True}),
    "all identifiers": ("Patient", {"Replace": _UIDS, "Force": True}),
}

MATRIX: dict[str, Request] = {
    **REQUESTS,
    **{
        f"{edition}: {name}": Request({**body, "DicomVersion": edition})
        for name, body in _ANONYMIZATIONS.items()
        for edition in EDITIONS
    },
    **{
        f"modify: {name}": Request(body, anonymize=False, level=level)
        for name, (level, body) in _MODIFICATIONS.items()
    },
}
