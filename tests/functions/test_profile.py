"""The member ``Profile`` on every route that anonymizes: it reaches files, and its faults change nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID

from dicomorph.model.settings import OverwriteInstances, Settings
from tests.support.api_client import Answer, Client, make_dicom

ROUTES = [
    "/instances/{ID}/anonymize",
    "/series/{ParentSeries}/anonymize",
    "/studies/{ParentStudy}/anonymize",
    "/patients/{ParentPatient}/anonymize",
    "/tools/bulk-anonymize",
]
FAULTS: dict[str, tuple[Any, int]] = {
    "no object": ("SafeHarbor", 15),
    "unknown member": ({"Option": ["RetainUIDs"]}, 8),
    "no array": ({"Options": "RetainUIDs"}, 15),
    "unknown option": ({"Options": ["RetainAll"]}, 8),
    "an option to come": ({"Options": ["113105"]}, 8),
    "no boolean": ({"AgeCap": 1}, 15),
    "unknown preset": ({"Preset": "safe harbor"}, 8),
    "a preset with an option": ({"Preset": "SafeHarbor", "Options": ["RetainUIDs"]}, 8),
    "unknown list": ({"AllowList": "other"}, 8),
    "a list with an option": ({"AllowList": "research-images", "Options": ["RetainUIDs"]}, 8),
}


@pytest.fixture(params=ROUTES)
def ask(request: pytest.FixtureRequest, make_client: Callable[..., Client]) -> Callable[..., Answer]:
    """Return a function that anonymizes a file on one route; the names of products count on."""
    client = make_client(default_dicom_version="2026d")
    stored = client.upload("PAT", 1, 1, 1, StudyDate="20240102", StudyDescription="Dr Doe")

    def post(profile: Any, **body: Any) -> Answer:
        named = {"Resources": [stored["ID"]]} if "bulk" in request.param else {}
        return client.post(request.param.format(**stored), {**named, "Profile": profile, **body})

    post.client = client  # type: ignore[attr-defined]
    return post


def product_of(client: Client, answer: Answer) -> pydicom.Dataset:
    """Return what was made: the answer itself, or the one instance that a job has stored."""
    assert answer.status == 200
    if not answer.body.startswith(b"{"):
        return pydicom.dcmread(io.BytesIO(answer.body))
    files = [client.get(f"/instances/{one}/file").body for one in client.get("/instances").json]
    found = [pydicom.dcmread(io.BytesIO(file)) for file in files]
    [product] = [data for data in found if data.PatientID != "PAT"]
    return product


def codes(data: pydicom.Dataset) -> list[str]:
    return [str(item.CodeValue) for item in data.get("DeidentificationMethodCodeSequence", [])]


def test_each_fault_is_refused_and_changes_nothing(ask: Any) -> None:
    before = ask.client.get("/statistics").json
    for name, (profile, code) in FAULTS.items():
        answer = ask(profile)
        assert answer.error == (400, code), name
        assert answer.json["Details"]
    assert ask({"Options": ["RetainUIDs"]}, DicomVersion="2023b").error == (400, 8)
    assert ask({}, DicomVersion="2026e").error == (400, 3)
    assert ask.client.get("/jobs").json == []
    assert ask.client.get("/statistics").json == before
    assert str(product_of(ask.client, ask({})).PatientName) == "Anonymized1", "no number was drawn"


def test_an_option_reaches_the_files(ask: Any) -> None:
    data = product_of(ask.client, ask({"Options": ["113110", "RetainLongitudinalFullDates"]}))
    assert (data.SOPInstanceUID, data.StudyInstanceUID) == ("1.2.3.1.1.1", "1.2.3.1")
    assert data.file_meta.MediaStorageSOPInstanceUID == "1.2.3.1.1.1"
    assert (data.StudyDate, data.LongitudinalTemporalInformationModified) == ("20240102", "UNMODIFIED")
    assert codes(data) == ["113100", "113106", "113110"]
    assert "StudyDescription" not in data
    assert data.PatientID != "PAT"


def test_an_allow_list_reaches_the_files(ask: Any) -> None:
    data = product_of(ask.client, ask({"AllowList": "research-images"}))
    assert (data.Modality, data.InstanceNumber) == ("CT", 1)
    assert "StudyDescription" not in data
    assert not data.get("StudyDate")
    assert data.LongitudinalTemporalInformationModified == "REMOVED"


def test_safe_harbor_is_the_profile_of_its_edition(ask: Any) -> None:
    data = product_of(ask.client, ask({"Preset": "SafeHarbor"}))
    assert "2026d" in data.DeidentificationMethod
    assert codes(data) == ["113100"]
    assert data.PatientIdentityRemoved == "YES"


RETAINING = {"DicomVersion": "2026d", "Profile": {"Options": ["RetainUIDs"]}}


def test_uids_are_retained_by_another_patient_so_that_the_sources_may_go(client: Client) -> None:
    stored = client.upload("PAT", 1, 1, 1)
    route = f"/studies/{stored['ParentStudy']}/anonymize"
    content = client.post(route, {**RETAINING, "KeepSource": False}).json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (1, 0)
    [instance] = client.get("/instances").json
    assert instance != stored["ID"]
    data = pydicom.dcmread(io.BytesIO(client.get(f"/instances/{instance}/file").body))
    assert (data.SOPInstanceUID, data.StudyInstanceUID) == ("1.2.3.1.1.1", "1.2.3.1")
    assert data.PatientID not in ("PAT", "")


def test_who_keeps_the_patient_too_edits_in_place_and_has_to_say_so(
    make_client: Callable[..., Client],
) -> None:
    client = make_client()
    route = f"/studies/{client.upload('PAT', 1, 1, 1)['ParentStudy']}/anonymize"
    in_place = {**RETAINING, "Keep": ["PatientID"], "Force": True}
    assert client.post(route, in_place).error == (400, 8)
    client = make_client(overwrite_instances=OverwriteInstances.ALWAYS)
    assert client.post(route, {**in_place, "KeepSource": False}).error == (400, 8)
    assert client.post(route, in_place).status == 200
    assert len(client.get("/instances").json) == 1


@pytest.mark.parametrize("route", ROUTES)
def test_another_image_does_not_retain_its_uid(client: Client, route: str) -> None:
    stored = client.upload("PAT", 1, 1, 1)
    body = {**RETAINING, "Resources": [stored["ID"]], "Transcode": "1.2.840.10008.1.2.4.50"}
    assert client.post(route.format(**stored), body).error == (400, 8)
    assert client.get("/jobs").json == []


def test_a_patient_without_an_id_is_the_patient_of_the_study(client: Client) -> None:
    nobody = pydicom.dcmread(io.BytesIO(make_dicom()))
    del nobody.PatientID
    files: list[str] = []
    for study in (1, 1, 2):
        nobody.StudyInstanceUID = f"1.2.3.{study}"
        nobody.SOPInstanceUID = UID(f"1.2.3.{len(files)}")
        nobody.file_meta.MediaStorageSOPInstanceUID = nobody.SOPInstanceUID
        stream = io.BytesIO()
        nobody.save_as(stream)
        files.append(client.post("/instances", stream.getvalue()).json["ID"])
    client.post("/tools/bulk-anonymize", {"DicomVersion": "2026d", "Resources": files})
    made = set(client.get("/instances").json) - set(files)
    products = [pydicom.dcmread(io.BytesIO(client.get(f"/instances/{one}/file").body)) for one in made]
    assert len({(data.PatientID, data.StudyInstanceUID) for data in products}) == 2
    assert len({data.PatientID for data in products} - {""}) == 2


def test_lists_are_read_from_the_folder_when_they_are_named(
    make_client: Callable[..., Client], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    client = make_client(default_dicom_version="2026d", allow_lists=str(folder))
    stored = client.upload(StudyDescription="Dr Doe", SliceThickness="2")
    route = f"{stored['Path']}/anonymize"

    def kept(name: str) -> set[str]:
        data = product_of(client, client.post(route, {"Profile": {"AllowList": name}}))
        return {name for name in ("StudyDescription", "SliceThickness") if data.get(name)}

    assert client.post(route, {"Profile": {"AllowList": "mine"}}).error == (400, 8)
    (folder / "mine.json").write_text(json.dumps({"Tags": ["SliceThickness"]}))
    assert kept("mine") == {"SliceThickness"}
    (folder / "mine.json").write_text(json.dumps({"Tags": ["0008,1030"]}))
    assert kept("mine") == {"StudyDescription"}
    assert kept("research-images") == {"SliceThickness"}, "it is shipped"
    (folder / "research-images.json").write_text(json.dumps({"Tags": []}))
    assert kept("research-images") == set(), "the operator's own goes first"
    (folder / "mine.json").write_text('{"Tags": ["Secret"]}')
    assert client.post(route, {"Profile": {"AllowList": "mine"}}).error == (500, -1)
    assert "Setting AllowLists" in caplog.text


def test_the_default_edition_is_shown(make_client: Callable[..., Client]) -> None:
    for edition in ("2008", "2023b", "2024b", "2026d"):
        assert (
            make_client(default_dicom_version=edition).get("/system").json["DefaultDicomVersion"] == edition
        )
    client = make_client()
    shown = client.get("/system").json["DefaultDicomVersion"]
    data = product_of(client, client.post(f"{client.upload()['Path']}/anonymize", {}))
    assert shown in data.DeidentificationMethod
    assert Settings().default_dicom_version == ""
