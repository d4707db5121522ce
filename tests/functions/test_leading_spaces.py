"""Spaces before a value belong to it, those behind do not (spec 1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dicomorph.model.settings import OverwriteInstances
from tests.support.api_client import Client

UIDS = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


def patient_id(client: Client, patient: str) -> Any:
    return client.get(f"/patients/{patient}").json["MainDicomTags"]["PatientID"]


def test_a_patient_is_shown_as_identified(client: Client) -> None:
    stored = [client.upload(name, number) for number, name in enumerate((" A", "A", "A "))]
    assert [patient_id(client, upload["ParentPatient"]) for upload in stored] == [" A", "A", "A"]
    assert len(client.get("/patients").json) == 2


def test_the_number_of_an_instance_is_trimmed(client: Client) -> None:
    stored = client.upload("A", 1, 1, 1, InstanceNumber=" 7 ")
    assert client.get(f"/instances/{stored['ID']}").json["IndexInSeries"] == 7


@pytest.mark.parametrize("body", [{"Keep": ["PatientID"]}, {"Replace": {"PatientID": " B"}}])
def test_an_identifier_with_a_leading_space_stays_what_it_is(client: Client, body: dict[str, Any]) -> None:
    stored = client.upload(" A", 1, 1, 1)
    answer = client.post(f"/studies/{stored['ParentStudy']}/anonymize", {**body, "Force": True})
    assert answer.status == 200
    assert patient_id(client, answer.json["PatientID"]) == body.get("Replace", {}).get("PatientID", " A")


def test_instances_of_patients_that_differ_by_a_space_do_not_become_one(
    make_client: Callable[..., Client],
) -> None:
    """Equal UIDs, which are kept: only the PatientID tells them apart."""
    client = make_client()
    stored = [client.upload(name, 1, 1, 1)["ID"] for name in ("A", " A")]
    body = {"Resources": stored, "Level": "Study", "Keep": [*UIDS, "PatientID"], "Force": True}
    answer = client.post("/tools/bulk-modify", body)
    assert answer.error == (400, 8)  # in place, and the setting OverwriteInstances is Never
    client = make_client(overwrite_instances=OverwriteInstances.ALWAYS)
    assert client.post("/tools/bulk-modify", body).json["InstancesCount"] == 2
    assert len(client.get("/instances").json) == 2


def test_a_product_that_equals_its_source_is_found_in_spite_of_a_space(client: Client) -> None:
    stored = client.upload(" A", 1, 1, 1)
    same = {"PatientID": " A ", **{name: f"1.2.3{'.1' * count}" for count, name in enumerate(UIDS, 1)}}
    body = {"Replace": same, "Force": True, "KeepSource": False}
    answer = client.post(f"/studies/{stored['ParentStudy']}/modify", body)
    assert answer.error == (400, 8)
    assert client.get("/instances").json == [stored["ID"]]


@pytest.mark.parametrize("level", ["Study", "Instance"])
def test_patients_that_differ_by_a_space_are_not_anonymized_into_one(client: Client, level: str) -> None:
    """Nobody named an identifier, and the UIDs are equal: the products would be, too."""
    stored = [client.upload(name, 1, 1, 1) for name in ("A", " A")]
    named = [upload["ID" if level == "Instance" else f"Parent{level}"] for upload in stored]
    answer = client.post("/tools/bulk-anonymize", {"Resources": named, "KeepSource": False})
    assert answer.error == (400, 8)
    assert client.get("/instances").json == sorted(upload["ID"] for upload in stored)


def test_patients_that_differ_by_a_space_are_anonymized_together(client: Client) -> None:
    stored = [client.upload(name, number, 1, 1)["ID"] for number, name in enumerate(("A", " A"))]
    assert client.post("/tools/bulk-anonymize", {"Resources": stored}).json["FailedInstancesCount"] == 0
    assert len(client.get("/instances").json) == 4
