"""Many resources in one request (spec 2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api_client import Client


@pytest.fixture
def stored(client: Client) -> list[dict[str, str]]:
    """Two patients; the first has a study of two series."""
    return [
        client.upload("ONE", 1, 1, 1),
        client.upload("ONE", 1, 2, 1),
        client.upload("TWO", 2, 1, 1),
    ]


def types(resources: list[dict[str, str]]) -> list[str]:
    return [resource["Type"] for resource in resources]


def test_resources_of_any_level_are_anonymized_together(client: Client, stored: list[dict[str, str]]) -> None:
    sources = [stored[0]["ParentSeries"], stored[2]["ID"]]
    content = client.post("/tools/bulk-anonymize", {"Resources": sources}).json
    assert content["ParentResources"] == sorted(sources)
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (2, 0)
    assert types(content["Resources"]) == [
        kind for kind in ("Instance", "Series", "Study", "Patient") for _ in range(2)
    ]
    assert not content.keys() & {"ID", "Path", "Type", "PatientID"}
    assert len(client.get("/patients").json) == 4
    for resource in content["Resources"]:
        assert client.get(resource["Path"]).json["ID"] == resource["ID"]


def test_one_secret_keeps_the_studies_of_a_patient_together(
    client: Client, stored: list[dict[str, str]]
) -> None:
    sources = [upload["ParentSeries"] for upload in stored[:2]]
    content = client.post("/tools/bulk-anonymize", {"Resources": sources}).json
    assert types(content["Resources"]) == [
        *["Instance"] * 2,
        *["Series"] * 2,
        "Study",
        "Patient",
    ]


def test_the_job_shows_what_it_lists(client: Client, stored: list[dict[str, str]]) -> None:
    body = {"Resources": [stored[0]["ID"], stored[0]["ID"]], "Asynchronous": True}
    path = client.post("/tools/bulk-modify", body).json["Path"]
    content = client.get(path).json["Content"]
    assert content["ParentResources"] == [stored[0]["ID"]]
    assert types(content["Resources"]) == ["Instance", "Series", "Study", "Patient"]
    assert client.get("/jobs", query={"expand": ""}).json[0]["Content"] == content


@pytest.mark.parametrize(
    ("body", "new"),
    [
        ({"Replace": {"PatientComments": "x"}}, {"Instance"}),
        ({"Level": "Series"}, {"Instance", "Series"}),
        ({"Level": "Study"}, {"Instance", "Series", "Study"}),
        ({"Replace": {"StudyInstanceUID": "1.2.9"}, "Force": True}, {"Instance", "Series", "Study"}),
    ],
)
def test_the_level_of_a_modification_is_named_or_follows(
    client: Client, stored: list[dict[str, str]], body: dict[str, Any], new: set[str]
) -> None:
    before = {one for level in ("studies", "series", "instances") for one in client.get(f"/{level}").json}
    content = client.post("/tools/bulk-modify", {**body, "Resources": [stored[0]["ID"]]}).json
    made = {resource["Type"] for resource in content["Resources"] if resource["ID"] not in before}
    assert made - {"Patient"} == new


@pytest.mark.parametrize("kind", ["anonymize", "modify"])
def test_nothing_is_a_job_without_instances(client: Client, kind: str) -> None:
    content = client.post(f"/tools/bulk-{kind}", {"Resources": []}).json
    assert content["Resources"] == []
    assert content["InstancesCount"] == 0
    assert "ParentResources" not in content


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, 15),
        ({"Resources": "x"}, 400, 15),
        ({"Resources": [1]}, 400, 15),
        ({"Resources": ["nope"]}, 404, 17),
        ({"Resources": [], "Replace": {"PatientID": "x"}}, 400, 8),
    ],
)
def test_a_bad_request_creates_no_job(client: Client, body: dict[str, Any], status: int, code: int) -> None:
    answer = client.post("/tools/bulk-modify", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (status, code)
    assert client.get("/jobs").json == []


def test_many_resources_are_deleted(client: Client, stored: list[dict[str, str]]) -> None:
    items = [
        stored[0]["ID"],
        "unknown",
        {"Level": "Patient", "ID": stored[2]["ParentPatient"]},
        stored[2]["ID"],
    ]
    answer = client.post("/tools/bulk-delete", {"Resources": items})
    assert (answer.status, answer.body) == (200, b"")
    assert client.get("/instances").json == [stored[1]["ID"]]


def test_a_resource_of_another_level_is_not_deleted(client: Client, stored: list[dict[str, str]]) -> None:
    items = [{"Level": "Study", "ID": stored[0]["ID"]}]
    assert client.post("/tools/bulk-delete", {"Resources": items}).status == 200
    assert len(client.get("/instances").json) == 3


@pytest.mark.parametrize(
    "resources", [None, "x", [1], [{"ID": "x"}], [{"Level": 3, "ID": "x"}], [{"Level": "Study"}]]
)
def test_nothing_is_deleted_unless_all_items_are_sound(
    client: Client, stored: list[dict[str, str]], resources: object
) -> None:
    items = [stored[0]["ID"], *resources] if isinstance(resources, list) else resources
    answer = client.post("/tools/bulk-delete", {"Resources": items})
    assert (answer.status, answer.json["OrthancStatus"]) == (400, 8)
    assert len(client.get("/instances").json) == 3


def test_content_comes_in_the_order_asked_for(client: Client, stored: list[dict[str, str]]) -> None:
    asked = [stored[2]["ID"], stored[0]["ParentStudy"], "unknown", stored[2]["ID"]]
    found = client.post("/tools/bulk-content", {"Resources": asked}).json
    assert [resource["ID"] for resource in found] == [asked[0], asked[1], asked[0]]
    assert found[0]["Metadata"]["SopClassUid"] == "1.2.840.10008.5.1.4.1.1.2"
    assert found[1]["PatientMainDicomTags"]["PatientID"] == "ONE"


@pytest.mark.parametrize(("level", "count"), [("Patient", 1), ("Study", 1), ("Series", 2), ("Instance", 2)])
def test_content_is_mapped_to_a_level(
    client: Client, stored: list[dict[str, str]], level: str, count: int
) -> None:
    asked = [stored[0]["ParentStudy"], stored[0]["ID"], stored[1]["ParentSeries"]]
    body = {"Resources": asked, "Level": level, "Metadata": False, "Short": True}
    found = client.post("/tools/bulk-content", body).json
    assert types(found) == [level] * count
    assert [resource["ID"] for resource in found] == sorted(resource["ID"] for resource in found)
    assert all("Metadata" not in resource for resource in found)
    assert all("," in tag for resource in found for tag in resource["MainDicomTags"])


def test_content_needs_resources(client: Client) -> None:
    assert client.post("/tools/bulk-content", {}).json["OrthancStatus"] == 15
