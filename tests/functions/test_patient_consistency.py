"""A study is not given to a patient whom it would contradict."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api_client import Client

NAMED = {"PatientID": "B", "PatientName": "Doe^Jane"}


@pytest.fixture
def study(client: Client) -> dict[str, Any]:
    """Return an instance of the only study of A; B has two studies."""
    for number in (2, 3):
        client.upload("B", number)
    return client.upload("A")


def modify(client: Client, replaced: dict[str, Any], *resource_ids: str, level: str = "Study") -> int:
    body = {"Resources": resource_ids, "Level": level, "Replace": replaced, "Force": True}
    return client.post("/tools/bulk-modify", body).status


def test_a_patient_with_other_studies_is_not_contradicted(client: Client, study: dict[str, Any]) -> None:
    one = study["ParentStudy"]
    assert modify(client, NAMED, one) == 200
    assert modify(client, {"PatientID": "B"}, one) == 400, "the name must be given"
    assert modify(client, {**NAMED, "PatientName": "X"}, one) == 400
    assert modify(client, {**NAMED, "PatientSex": "F"}, one) == 400, "B is not known by a sex"
    assert len(client.get("/studies").json) == 4


def test_the_only_study_of_a_patient_may_change_it(client: Client, study: dict[str, Any]) -> None:
    assert modify(client, {"PatientName": "X"}, study["ParentStudy"]) == 200
    other = client.get(f"/patients/{client.upload('B', 2)['ParentPatient']}/studies").json[0]["ID"]
    assert modify(client, {"PatientName": "X"}, other) == 400


@pytest.mark.parametrize("key", ["ParentSeries", "ID", "ParentPatient"])
def test_a_study_is_found_by_what_belongs_to_it(client: Client, study: dict[str, Any], key: str) -> None:
    assert modify(client, {**NAMED, "PatientName": "X"}, study[key]) == 400
    assert modify(client, NAMED, study[key]) == 200


def test_one_contradiction_among_many_refuses_all(client: Client, study: dict[str, Any]) -> None:
    alone = client.upload("C", 4)["ParentStudy"]
    shared = client.upload("B", 2)["ParentStudy"]
    assert modify(client, {"PatientName": "X"}, study["ParentStudy"], alone) == 200
    assert modify(client, {"PatientName": "X"}, study["ParentStudy"], alone, shared) == 400


@pytest.mark.parametrize("value", ["", None])
def test_what_is_emptied_agrees_with_what_is_empty(client: Client, value: str | None) -> None:
    for number in (1, 2):
        stored = client.upload("A", number, PatientBirthDate="")
    assert (
        modify(
            client,
            {"PatientBirthDate": value, "PatientName": "Doe^Jane", "PatientID": "A"},
            stored["ParentStudy"],
        )
        == 200
    )
    assert modify(client, {"PatientBirthDate": value, "PatientName": value}, stored["ParentStudy"]) == 400


def test_a_leading_space_is_overlooked_in_the_search_and_part_of_the_identity(
    client: Client, study: dict[str, Any]
) -> None:
    assert modify(client, {**NAMED, "PatientID": " B"}, study["ParentStudy"]) == 400
    for number in (5, 6):
        client.upload(" C", number)
    assert modify(client, {**NAMED, "PatientID": " C"}, study["ParentStudy"]) == 200
    assert modify(client, {**NAMED, "PatientID": " C", "PatientName": "X"}, study["ParentStudy"]) == 400


def test_other_levels_are_not_looked_at(client: Client, study: dict[str, Any]) -> None:
    replaced = {**NAMED, "PatientName": "X"}
    assert modify(client, replaced, study["ParentSeries"], level="Series") == 200
    assert modify(client, replaced, study["ParentPatient"], level="Patient") == 200


@pytest.mark.parametrize("value", ["", None])
def test_what_a_patient_lacks_is_confirmed_by_nothing(client: Client, value: str | None) -> None:
    for number in (1, 2):
        stored = client.upload("A", number)
    confirmed = {"PatientID": "A", "PatientName": "Doe^Jane", "PatientSex": value, "PatientBirthDate": value}
    assert modify(client, confirmed, stored["ParentStudy"]) == 200
    assert modify(client, {**confirmed, "PatientName": value}, stored["ParentStudy"]) == 400
    assert modify(client, {**confirmed, "PatientSex": "F"}, stored["ParentStudy"]) == 400


@pytest.mark.parametrize("known", ["Doe^Jane", "Doe^Jane^^^", "Doe^Jane^ ^", "Doe^Jane=^"])
@pytest.mark.parametrize("given", ["Doe^Jane", "Doe^Jane^", "Doe^Jane^^^^", "Doe^Jane==", "Doe^Jane^=^^="])
def test_delimiters_at_the_end_of_a_name_are_no_difference(client: Client, known: str, given: str) -> None:
    for number in (1, 2):
        stored = client.upload("A", number, PatientName=known)
    replaced = {"PatientID": "A", "PatientName": given}
    assert modify(client, replaced, stored["ParentStudy"]) == 200
    for other in ("Doe^^Jane", "^Doe^Jane", "Doe", "Doe^Jane^X", "=Doe^Jane"):
        assert modify(client, {**replaced, "PatientName": other}, stored["ParentStudy"]) == 400


def test_delimiters_count_in_what_is_no_name(client: Client) -> None:
    for number in (1, 2):
        stored = client.upload("A", number, PatientName="Doe", OtherPatientIDs="X")
    body = {"PatientID": "A", "PatientName": "Doe^", "OtherPatientIDs": "X^"}
    assert modify(client, body, stored["ParentStudy"]) == 400
