"""Anonymizing what was anonymized: the marks join, identifiers change again, and nothing else does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph.deid.editions.editions import resolver_of
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.edit_plan import Action, DummyKind
from dicomorph.model.settings import Settings
from tests.support.api_client import make_dicom
from tests.support.edits import anonymized

CT, ENHANCED_CT, REPORT, UNKNOWN = (
    *("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.88.11"),
    "1.2.3.4",
)
PROFILES: dict[str, dict[str, Any]] = {
    "basic": {},
    "all options": {
        "Options": ["113106", "113108", "113109", "113110", "113111", "113112"],
        "AgeCap": True,
    },
    "list": {"AllowList": "research-images"},
    "Safe Harbor": {"Preset": "SafeHarbor"},
}


def source(sop_class: str) -> bytes:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-1", "SRT", "Dr Doe"
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, "1.2.3.4.5"
    item.PurposeOfReferenceCodeSequence = [code]
    item.ContentDate, item.InstitutionName = "20240102", "Clinic"
    values: dict[str, Any] = {
        "StudyDate": "20240102",
        "ContentDate": "20240102",
        "ContentTime": "101500",
        "AcquisitionDateTime": "20240102101500",
        "PatientBirthDate": "19300101",
        "PatientAge": "093Y",
        "StudyDescription": "Dr Doe",
        "DeviceSerialNumber": "4711",
        "StationName": "CT1",
        "OperatorsName": "Roe^R",
        "AccessionNumber": "A1",
        "StudyID": "S1",
        "ContainerIdentifier": "C1",
        "InstitutionName": "Clinic",
        "FrameOfReferenceUID": "1.2.3.9",
        "SliceThickness": "2",
        "ClinicalTrialSubjectID": "17",
        "ReferencedImageSequence": [item],
        "SourceImageSequence": [item],
        "ProcedureCodeSequence": [code],
        "ContentSequence": [item],
        "StationAETitle": "CT1",
    }
    return make_dicom(**{**values, "SOPClassUID": sop_class})


def leaves(data: Dataset, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each element with its place; of sequences the number of items."""
    for element in data:
        place = (*path, int(element.tag))
        yield place, len(element.value) if element.VR == "SQ" else element.value
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from leaves(item, (*place, number))


def read(data: bytes) -> dict[tuple[Any, ...], Any]:
    return dict(leaves(pydicom.dcmread(io.BytesIO(data))))


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("sop_class", [CT, ENHANCED_CT, REPORT, UNKNOWN])
def test_a_second_pass_adds_nothing_and_changes_but_identifiers(sop_class: str, name: str) -> None:
    body: dict[str, Any] = {"DicomVersion": "2026d", "Profile": PROFILES[name]}
    once = anonymized(source(sop_class), **body)
    first, second = read(once), read(anonymized(once, **body))
    assert first.keys() == second.keys()
    choice = parse_modification(body, is_anonymization=True, level=None, settings=Settings()).choice
    resolver = resolver_of("2026d", choice)

    def is_replaced(place: tuple[Any, ...]) -> bool:
        rule = resolver.resolve(place[-1], (), sop_class)
        keyed = rule.dummy is not None and rule.dummy.kind is DummyKind.KEYED
        return rule.action is Action.MAP or keyed

    changed = {place for place in first if first[place] != second[place]}
    assert {place for place in changed if not is_replaced(place)} == set()


@pytest.mark.parametrize("sop_class", [CT, REPORT, UNKNOWN])
def test_the_marks_of_two_passes_join(sop_class: str) -> None:
    data = source(sop_class)
    for profile in ({}, {"Options": ["RetainLongitudinalFullDates"]}, {"Options": ["RetainUIDs"]}):
        data = anonymized(data, DicomVersion="2026d", Profile=profile)
    data = anonymized(data, DicomVersion="2025e", Keep=["StudyDescription"])
    found = pydicom.dcmread(io.BytesIO(data))
    codes = [str(item.CodeValue) for item in found.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113106", "113110"]
    methods = list(found.DeidentificationMethod)
    assert [("2026d" in method, "2025e" in method) for method in methods] == [(True, False), (False, False)]
    assert found.LongitudinalTemporalInformationModified == "REMOVED", "the dates went at first"
    assert found.PatientIdentityRemoved == "YES"


def test_an_edition_of_orthanc_writes_its_marks_over_others() -> None:
    data = anonymized(anonymized(source(CT), DicomVersion="2026d"), DicomVersion="2023b")
    assert "2023b" in pydicom.dcmread(io.BytesIO(data)).DeidentificationMethod
