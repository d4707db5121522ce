"""Splitting and merging studies (spec 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dicomorph.model.settings import UnencodableText
from tests.support.api_client import Client
from tests.support.files_of_studies import files_of

Uploads = list[dict[str, str]]


@pytest.fixture
def stored(client: Client) -> Uploads:
    """A study of two series with two instances and one, and a study of another patient."""
    return [
        client.upload("ONE", 1, 1, 1),
        client.upload("ONE", 1, 1, 2),
        client.upload("ONE", 1, 2, 1),
        client.upload("TWO", 2, 1, 1),
    ]


def test_a_series_leaves_its_study(client: Client, stored: Uploads) -> None:
    study, series = stored[0]["ParentStudy"], stored[0]["ParentSeries"]
    body = {"Series": [series], "Replace": {"PatientID": "NEW"}, "Remove": ["PatientName"]}
    content = client.post(f"/studies/{study}/split", body).json
    assert set(content) == {
        "Description",
        "FailedInstancesCount",
        "InstancesCount",
        "TargetStudy",
        "TargetStudyUID",
    }
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (2, 0)
    made = files_of(client, content["TargetStudy"])
    assert [item.PatientID for item in made] == ["NEW", "NEW"]
    assert {item.StudyInstanceUID for item in made} == {content["TargetStudyUID"]}
    assert len({item.SeriesInstanceUID for item in made}) == 1
    assert len({item.SOPInstanceUID for item in made} - {"1.2.3.1.1.1", "1.2.3.1.1.2"}) == 2
    assert all("PatientName" not in item for item in made)
    assert client.get(f"/studies/{study}").json["Series"] == [stored[2]["ParentSeries"]]
    assert client.get(f"/series/{series}").status == 404
    assert "ModifiedFrom" not in client.get(f"/studies/{content['TargetStudy']}").json


def test_what_is_named_twice_is_copied_twice(client: Client, stored: Uploads) -> None:
    study = stored[0]["ParentStudy"]
    body = {
        "Series": [stored[2]["ParentSeries"]],
        "Instances": [stored[0]["ID"], stored[2]["ID"]],
        "KeepSource": True,
    }
    content = client.post(f"/studies/{study}/split", body).json
    assert content["InstancesCount"] == 3
    made = files_of(client, content["TargetStudy"])
    assert len({item.SOPInstanceUID for item in made}) == 3
    assert len({item.SeriesInstanceUID for item in made}) == 2
    assert len(client.get("/instances").json) == 7


def test_labels_go_with_what_is_split_off(client: Client, stored: Uploads) -> None:
    study, series, instance = stored[2]["ParentStudy"], stored[2]["ParentSeries"], stored[2]["ID"]
    for path in (f"/studies/{study}", f"/series/{series}", f"/instances/{instance}"):
        assert client.call("PUT", f"{path}/labels/seen").status == 200
    body = {"Instances": [instance], "KeepLabels": True}
    made = client.post(f"/studies/{study}/split", body).json["TargetStudy"]
    assert client.get(f"/studies/{made}").json["Labels"] == ["seen"]
    (found,) = client.get(f"/studies/{made}/instances").json
    assert found["Labels"] == ["seen"]
    assert client.get(f"/series/{found['ParentSeries']}").json["Labels"] == ["seen"]


def test_nothing_is_copied_more_often_than_ten_times(client: Client, stored: Uploads) -> None:
    path = f"/studies/{stored[0]['ParentStudy']}/split"
    often = {"Instances": [stored[0]["ID"]] * 10, "KeepSource": True}
    assert client.post(path, often).json["InstancesCount"] == 10
    for too_often in ({"Instances": [stored[0]["ID"]] * 11}, {"Series": [stored[0]["ParentSeries"]] * 11}):
        assert client.post(path, too_often).error == (400, 8)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, 8),
        ({"Series": []}, 400, 8),
        ({"Series": "x"}, 400, 15),
        ({"Instances": [1]}, 400, 15),
        ({"Series": ["nope"]}, 404, 17),
        ({"Replace": {"SeriesDescription": "x"}}, 400, 3),
        ({"Replace": {"StudyInstanceUID": "1.2"}}, 400, 3),
        ({"Remove": ["Modality"]}, 400, 3),
        ({"Replace": {"PatientID": 1}}, 400, 15),
        ({"Replace": []}, 400, 15),
        ({"Remove": "PatientID"}, 400, 15),
        ({"Remove": ["Nope"]}, 400, 27),
        ({"KeepSource": "x"}, 400, 15),
    ],
)
def test_a_bad_split_changes_nothing(
    client: Client, stored: Uploads, body: dict[str, Any], status: int, code: int
) -> None:
    if body and not body.keys() & {"Series", "Instances"}:
        body = {**body, "Series": [stored[0]["ParentSeries"]]}
    answer = client.post(f"/studies/{stored[0]['ParentStudy']}/split", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (status, code)
    assert client.get("/jobs").json == []
    assert len(client.get("/instances").json) == 4


def test_members_of_another_study_are_unknown(client: Client, stored: Uploads) -> None:
    for body in ({"Series": [stored[3]["ParentSeries"]]}, {"Instances": [stored[3]["ID"]]}):
        assert client.post(f"/studies/{stored[0]['ParentStudy']}/split", body).status == 404


@pytest.mark.parametrize("kind", ["split", "merge"])
def test_the_study_must_exist(client: Client, stored: Uploads, kind: str) -> None:
    body = {"Series": [stored[0]["ParentSeries"]], "Resources": []}
    for study in ("nope", stored[0]["ParentSeries"]):
        answer = client.post(f"/studies/{study}/{kind}", body)
        assert (answer.status, answer.json["OrthancStatus"]) == (404, 17)


@pytest.mark.parametrize("source", ["ParentStudy", "ParentSeries", "ID"])
def test_instances_take_over_patient_and_study(client: Client, stored: Uploads, source: str) -> None:
    study = stored[0]["ParentStudy"]
    content = client.post(f"/studies/{study}/merge", {"Resources": [stored[3][source]]}).json
    assert content == {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 1,
        "TargetStudy": study,
    }
    made = files_of(client, study)
    assert len(made) == 4
    assert {(item.PatientID, item.StudyInstanceUID) for item in made} == {("ONE", "1.2.3.1")}
    assert len(client.get("/patients").json) == 1
    assert len({item.SeriesInstanceUID for item in made}) == 3


def test_sources_are_kept_if_asked_for(client: Client, stored: Uploads) -> None:
    body = {"Resources": [stored[3]["ParentStudy"]], "KeepSource": True}
    assert client.post(f"/studies/{stored[0]['ParentStudy']}/merge", body).json["InstancesCount"] == 1
    assert len(client.get("/instances").json) == 5


def test_what_belongs_to_the_study_cannot_be_merged_into_it(client: Client, stored: Uploads) -> None:
    study = stored[0]["ParentStudy"]
    for source in (study, stored[0]["ParentSeries"], stored[0]["ID"], stored[3]["ParentPatient"], "nope"):
        answer = client.post(f"/studies/{study}/merge", {"Resources": [source]})
        assert (answer.status, answer.json["OrthancStatus"]) == (404, 17)
    assert client.post(f"/studies/{study}/merge", {}).json["OrthancStatus"] == 15
    assert client.post(f"/studies/{study}/merge", {"Resources": []}).json["InstancesCount"] == 0


def test_two_instances_that_would_become_one_are_refused(client: Client, stored: Uploads) -> None:
    """The same series of two patients: merged, their instances would have the same identifiers."""
    twin = client.upload("THREE", 1, 1, 1)
    body = {"Resources": [stored[0]["ParentStudy"], twin["ParentStudy"]]}
    answer = client.post(f"/studies/{stored[3]['ParentStudy']}/merge", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (400, 8)
    assert len(client.get("/instances").json) == 5


@pytest.mark.parametrize("unencodable", UnencodableText)
@pytest.mark.parametrize("charset", [None, "ISO_IR 100"])
@pytest.mark.parametrize(
    ("target", "name"), [("ISO_IR 144", "Иванов^Иван"), ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎")]
)
def test_a_patient_of_any_script_takes_in_what_has_no_text_of_its_own(
    make_client: Callable[..., Client],
    unencodable: UnencodableText,
    charset: str | None,
    target: str,
    name: str,
) -> None:
    client = make_client(unencodable_text=unencodable)
    declared: dict[str, str] = {} if charset is None else {"SpecificCharacterSet": charset}
    into = client.upload("ONE", 1, 1, 1, SpecificCharacterSet=target, PatientName=name)
    plain = client.upload("TWO", 2, 1, 1, PatientName="Doe", **declared)
    content = client.post(f"/studies/{into['ParentStudy']}/merge", {"Resources": [plain["ID"]]}).json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (1, 0)
    merged = files_of(client, into["ParentStudy"])
    assert {str(item.PatientName) for item in merged} == {name}
    assert len(client.get("/patients").json) == 1


def test_text_of_another_script_is_not_declared_wrongly_by_a_merge(client: Client) -> None:
    into = client.upload("ONE", 1, 1, 1, SpecificCharacterSet="ISO_IR 144", PatientName="Иванов")
    latin = client.upload("TWO", 2, 1, 1, SpecificCharacterSet="ISO_IR 100", SeriesDescription="Tête")
    answer = client.post(f"/studies/{into['ParentStudy']}/merge", {"Resources": [latin["ID"]]})
    assert answer.status == 400
    assert len(client.get("/instances").json) == 2
