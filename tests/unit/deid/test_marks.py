"""The marks of the editions from 2024b on: no more than is true of the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dicomorph.deid.compilation import SOFTWARE, compile_plan
from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.marks import (
    DEIDENTIFICATION_METHOD,
    DEIDENTIFICATION_METHOD_CODES,
    LONGITUDINAL_INFORMATION_MODIFIED,
    PATIENT_IDENTITY_REMOVED,
)
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.standard.tags import PATIENT_NAME
from dicomorph.model.settings import Settings

MARKS = {
    PATIENT_IDENTITY_REMOVED,
    DEIDENTIFICATION_METHOD,
    DEIDENTIFICATION_METHOD_CODES,
    LONGITUDINAL_INFORMATION_MODIFIED,
}
NEVER_WRITTEN = {0x00280301, 0x00280302}  # BurnedInAnnotation, RecognizableVisualFeatures
CODES = {
    "RetainUIDs": "113110",
    "RetainDeviceIdentity": "113109",
    "RetainInstitutionIdentity": "113112",
    "RetainPatientCharacteristics": "113108",
    "RetainLongitudinalFullDates": "113106",
    "RetainSafePrivate": "113111",
}
DATES = {"StudyDate": "20000101", "StudyTime": "12", "AcquisitionDateTime": "2000"}
LISTS = {
    "pixels": frozenset((0x00280010, 0x00200052, 0x7FE00010)),  # Rows, FrameOfReferenceUID, PixelData
    "dates": frozenset((0x00280010, 0x00080020)),  # StudyDate
    "birth": frozenset((0x00280010, 0x00100030)),
    "text": frozenset((0x00280010, 0x00081030)),  # StudyDescription
}


def plan(
    profile: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    *,
    edition: str = "2026d",
) -> EditPlan:
    settings = Settings(default_dicom_version=edition)
    modification = parse_modification(
        {"Force": True, **(body or {}), "Profile": dict(profile or {})},
        is_anonymization=True,
        level=None,
        settings=settings,
        allow_lists=lambda name: AllowList(name, LISTS[name]),
    )
    return compile_plan(modification, name="Anonymized1", settings=settings)


def method(found: EditPlan) -> str:
    """Return what stands behind the software, which is named in any case."""
    text = found.appended[DEIDENTIFICATION_METHOD]
    assert isinstance(text, str)
    assert text.startswith(SOFTWARE)
    assert len(text) <= 64
    return text.removeprefix(SOFTWARE)


def codes(found: EditPlan) -> list[str]:
    items: Any = found.appended.get(DEIDENTIFICATION_METHOD_CODES, [])
    assert {item["0008,0102"] for item in items} <= {"DCM"}
    assert all(0 < len(item["0008,0104"]) <= 64 for item in items)
    return [item["0008,0100"] for item in items]


def dates(found: EditPlan) -> object:
    return found.appended[LONGITUDINAL_INFORMATION_MODIFIED]


@pytest.mark.parametrize("edition", ["2024b", "2025e", "2026d"])
def test_the_profile_is_marked_by_text_and_code(edition: str) -> None:
    found = plan(edition=edition)
    assert found.replace == {PATIENT_NAME: "Anonymized1", PATIENT_IDENTITY_REMOVED: "YES"}
    assert found.appended.keys() == MARKS - {PATIENT_IDENTITY_REMOVED}
    assert edition in method(found)
    assert (codes(found), dates(found)) == (["113100"], "REMOVED")


@pytest.mark.parametrize("edition", ["2008", "2017c", "2021b", "2023b"])
def test_editions_of_orthanc_append_nothing(edition: str) -> None:
    found = plan(edition=edition)
    assert found.appended == {}
    assert found.replace.keys() == {PATIENT_NAME, PATIENT_IDENTITY_REMOVED, DEIDENTIFICATION_METHOD}


@pytest.mark.parametrize("name", CODES)
def test_an_option_has_a_code_of_its_own(name: str) -> None:
    for written in (name, CODES[name]):
        assert codes(plan({"Options": [written]})) == ["113100", CODES[name]]


def test_all_options_have_their_codes() -> None:
    assert codes(plan({"Options": [*CODES]})) == ["113100", *sorted(CODES.values())]


def test_the_preset_is_the_profile() -> None:
    assert codes(plan({"Preset": "SafeHarbor"}, edition="2023b")) == ["113100"]


RETAINS_MORE = [
    {"Keep": ["StudyDescription"]},
    {"Keep": ["StudyDate"]},
    {"Keep": ["PatientID"]},
    {"Keep": ["StudyInstanceUID"]},
    {"Keep": ["SliceThickness", "StudyDescription"]},
    {"Keep": ["ContentSequence[*].PersonName"]},
    {"Keep": ["ReferencedImageSequence"]},  # UIDs below it, too
    {"Keep": ["0009,1001"]},
    {"Replace": {"StudyDescription": "CT"}},
    {"Replace": {"0009,1001": "x"}},
    {"Replace": {"ReferencedImageSequence": [{"PatientComments": "x"}]}},
    {"KeepPrivateTags": True},
]
RETAINS_NO_MORE = [
    {"Keep": ["SliceThickness"]},
    {"Keep": ["Modality", "Rows"]},
    {"Remove": ["SliceThickness", "StudyDescription", "0009,1001"]},
    {"Replace": {"PatientName": "Subject 1", "PatientID": "S1"}},
    {"Replace": {"StudyDate": "20000101"}},
    {"Replace": {"SeriesNumber": "1"}},
    {"Replace": {"StudyDescription": "", "SeriesDescription": None, "ReferencedImageSequence": []}},
]


@pytest.mark.parametrize("body", RETAINS_MORE)
@pytest.mark.parametrize("options", [[], ["RetainDeviceIdentity", "RetainSafePrivate"]])
def test_who_retains_more_is_marked_with_the_software_alone(body: dict[str, Any], options: list[str]) -> None:
    found = plan({"Options": options}, body)
    assert (method(found), codes(found)) == ("", [])


@pytest.mark.parametrize("body", RETAINS_NO_MORE)
def test_who_retains_no_more_is_marked_with_the_profile(body: dict[str, Any]) -> None:
    found = plan(None, body)
    assert "2026d" in method(found)
    assert codes(found) == ["113100"]


def test_what_an_option_retains_may_be_kept_by_name() -> None:
    assert codes(plan({"Options": ["RetainUIDs"]}, {"Keep": ["StudyInstanceUID"]})) == ["113100", "113110"]
    body = {"Keep": ["StudyDate", "AcquisitionDateTime"]}
    assert codes(plan({"Options": ["113106"]}, body)) == ["113100", "113106"]


@pytest.mark.parametrize(
    "body",
    [
        {"Replace": {"StudyInstanceUID": "1.2"}},
        {"Replace": {"ReferencedImageSequence[*].ReferencedSOPInstanceUID": "1.2"}},
        {"Remove": ["FrameOfReferenceUID"]},
    ],
)
def test_uids_are_retained_if_all_of_them_are(body: dict[str, Any]) -> None:
    assert codes(plan({"Options": ["RetainUIDs", "RetainSafePrivate"]}, body)) == ["113100", "113111"]


@pytest.mark.parametrize("name", ["PatientName", "PatientID", "PatientBirthDate"])
@pytest.mark.parametrize("path", ["{}", "ReferencedImageSequence[0].{}", "ContentSequence[*].{}"])
def test_who_keeps_an_identity_has_not_removed_it(name: str, path: str) -> None:
    found = plan(None, {"Keep": [path.format(name)]})
    assert PATIENT_IDENTITY_REMOVED not in found.replace
    assert PATIENT_IDENTITY_REMOVED not in found.appended
    assert (method(found), codes(found)) == ("", [])


def test_neither_has_who_lists_it() -> None:
    found = plan({"AllowList": "birth"})
    assert PATIENT_IDENTITY_REMOVED not in found.replace
    assert (method(found), codes(found), dates(found)) == ("", [], "UNMODIFIED")
    assert plan({"AllowList": "text"}).replace[PATIENT_IDENTITY_REMOVED] == "YES"


@pytest.mark.parametrize("body", [{"Keep": ["PatientSex"]}, {"Remove": ["PatientName"]}])
def test_who_keeps_or_removes_something_else_has(body: dict[str, Any]) -> None:
    assert plan(None, body).replace[PATIENT_IDENTITY_REMOVED] == "YES"
    named = {"Replace": {"PatientName": "x", "PatientID": "y", "PatientBirthDate": "19000101"}}
    assert plan(None, named).replace[PATIENT_IDENTITY_REMOVED] == "YES"


@pytest.mark.parametrize(
    ("profile", "body", "expected"),
    [
        (None, {}, "REMOVED"),
        (None, {"Remove": ["StudyDate"]}, "REMOVED"),
        (None, {"Keep": ["Modality"], "Replace": {"StudyID": "1"}}, "REMOVED"),
        ({"Options": [name for name in CODES if "Dates" not in name]}, {}, "REMOVED"),
        ({"Options": ["RetainLongitudinalFullDates"]}, {}, "UNMODIFIED"),
        ({"Options": ["113106"]}, {"Replace": {"StudyDate": "20000101"}}, "UNMODIFIED"),
        *((None, {"Keep": [name]}, "UNMODIFIED") for name in DATES),
        (None, {"Keep": ["PatientBirthDate"]}, "UNMODIFIED"),
        (None, {"Keep": ["ContentSequence[*].Date"]}, "UNMODIFIED"),
        (None, {"Keep": ["ContentSequence"]}, "UNMODIFIED"),  # which may hold some
        (None, {"Keep": ["StudyDate"], "Replace": {"SeriesDate": "20000101"}}, "UNMODIFIED"),
        *((None, {"Replace": {name: value}}, "MODIFIED") for name, value in DATES.items()),
        (None, {"Replace": {"ContentSequence[*].Date": "20000101"}}, "MODIFIED"),
        ({"AllowList": "pixels"}, {}, "REMOVED"),
        ({"AllowList": "dates"}, {}, "UNMODIFIED"),
        ({"Preset": "SafeHarbor"}, {}, "REMOVED"),
    ],
)  # fmt: skip
def test_what_became_of_dates(profile: dict[str, Any] | None, body: dict[str, Any], expected: str) -> None:
    assert dates(plan(profile, body)) == expected


@pytest.mark.parametrize(("name", "expected"), [("pixels", ["113100"]), ("dates", []), ("text", [])])
def test_a_list_within_the_profile_is_the_profile(name: str, expected: list[str]) -> None:
    found = plan({"AllowList": name})
    assert codes(found) == expected
    assert bool(method(found)) == bool(expected)


def test_what_no_list_names_may_be_kept_by_name_where_the_profile_keeps_it() -> None:
    assert codes(plan({"AllowList": "pixels"}, {"Keep": ["SliceThickness"]})) == ["113100"]
    assert codes(plan({"AllowList": "pixels"}, {"Keep": ["StudyDescription"]})) == []


@pytest.mark.parametrize("tag", sorted(MARKS))
@pytest.mark.parametrize("member", ["Keep", "Remove", "Replace"])
def test_a_request_may_speak_of_the_marks_itself(member: str, tag: int) -> None:
    name = f"{tag:08x}"
    value: Any = {name: [] if tag == DEIDENTIFICATION_METHOD_CODES else "X"}
    found = plan(None, {member: value if member == "Replace" else [name]})
    assert tag not in found.appended
    assert found.replace.get(tag) == (value[name] if member == "Replace" else None)


@pytest.mark.parametrize(
    "profile", [{}, {"Options": [*CODES]}, {"Preset": "SafeHarbor"}, {"AllowList": "text"}]
)
def test_nobody_claims_to_have_looked_at_pixels(profile: dict[str, Any]) -> None:
    found = plan(profile, {"Keep": ["Rows"]})
    assert not NEVER_WRITTEN & (found.replace.keys() | found.appended.keys() | found.required)


def test_a_long_version_leaves_the_text_in_its_length() -> None:
    software = "Dicomorph 1.22.333.dev4444+g0123456789abcdef0123456789"
    modification = parse_modification(
        {"DicomVersion": "2026d"}, is_anonymization=True, level=None, settings=Settings()
    )
    found = compile_plan(modification, name="", settings=Settings(), software=software)
    text = str(found.appended[DEIDENTIFICATION_METHOD])
    assert text.startswith(software)
    assert len(text) == 64
