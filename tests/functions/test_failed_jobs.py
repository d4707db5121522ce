"""What a caller is told when a job fails: why, for which instance, and what the job has left."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_client import Answer, Client

NAME = "Жук^A"
BODY = {"Replace": {"PatientName": NAME}}


def upload(client: Client) -> list[dict[str, str]]:
    """Store a study of three instances, in two series; the character set of the second has no such name."""
    sets = ("ISO_IR 192", "ISO_IR 100", "ISO_IR 192")
    # Were its text ASCII, a split or merge could declare another set.
    text = {"Manufacturer": "Müller"}
    return [
        client.upload("PAT", 1, 1 + number // 2, number, SpecificCharacterSet=charset, **text)
        for number, charset in enumerate(sets)
    ]


def ask(client: Client, kind: str, stored: list[dict[str, str]], **options: Any) -> Answer:
    study = stored[0]["ParentStudy"]
    body: dict[str, Any] = {**BODY, **options}
    if kind.startswith("bulk"):
        return client.post(f"/tools/{kind}", {**body, "Level": "Study", "Resources": [study]})
    if kind == "split":
        series = sorted({one["ParentSeries"] for one in stored})
        return client.post(f"/studies/{study}/split", {**body, "Series": series})
    if kind == "merge":
        target = client.upload("OTHER", 2, 1, 1, SpecificCharacterSet="ISO_IR 192", PatientName=NAME)
        del body["Replace"]
        return client.post(f"/studies/{target['ParentStudy']}/merge", {**body, "Resources": [study]})
    return client.post(f"/studies/{study}/{kind}", body)


KINDS = ["modify", "anonymize", "bulk-modify", "bulk-anonymize", "split", "merge"]


def check_told(client: Client, kind: str) -> None:
    stored = upload(client)
    answer = ask(client, kind, stored)
    before = {one["ID"] for one in stored}
    assert answer.error == (400, 15)
    [job] = client.get("/jobs").json
    failed = stored[1]["ID"]
    assert answer.headers["location"] == f"/jobs/{job}"
    assert answer.json["ErrorPayload"] == {"Job": job, "FailedInstance": failed}
    assert answer.json["Details"]
    assert NAME not in answer.body.decode()
    assert failed not in answer.json["Details"]
    shown = client.get(f"/jobs/{job}").json
    assert shown["ErrorDetails"] == answer.json["Details"]
    content = shown["Content"]
    told = {"ID": failed, "ErrorCode": 15, "Details": answer.json["Details"]}
    assert (content["FailedInstancesCount"], content["FailedInstances"]) == (1, [told])
    assert content["Products"]["Count"] == 2
    assert not before & set(content["Products"]["Resources"])
    assert len(client.get("/instances").json) == 5 + (kind == "merge")
    assert client.post("/tools/bulk-delete", content["Products"]).status == 200
    left = set(client.get("/instances").json)
    assert before <= left
    assert len(left) == 3 + (kind == "merge")


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_job_tells_why_for_what_and_what_it_left(client: Client, kind: str) -> None:
    check_told(client, kind)


def test_a_failed_job_tells_the_same_on_aws(aws_client: Client) -> None:
    check_told(aws_client, "modify")


@pytest.mark.parametrize("kind", KINDS)
def test_a_permissive_job_names_what_failed(client: Client, kind: str) -> None:
    stored = upload(client)
    content = ask(client, kind, stored, Permissive=True).json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (3, 1)
    assert [one["ID"] for one in content["FailedInstances"]] == [stored[1]["ID"]]
    assert "Products" not in content


def test_a_job_in_which_nothing_failed_says_nothing_of_it(client: Client) -> None:
    content = client.post(f"/studies/{upload(client)[0]['ParentStudy']}/modify", {}).json
    assert not content.keys() & {"FailedInstances", "Products"}


def test_a_job_of_which_nothing_is_left_says_nothing_of_it(client: Client) -> None:
    stored = upload(client)
    assert client.post(f"/instances/{stored[1]['ID']}/modify", BODY).error == (400, 15)
    resources = [stored[1]["ID"]]
    assert client.post("/tools/bulk-modify", {**BODY, "Resources": resources}).error == (400, 15)
    [job] = client.get("/jobs").json
    assert "Products" not in client.get(f"/jobs/{job}").json["Content"]


def test_a_job_that_is_refused_in_its_plan_has_an_address_and_a_reason(client: Client) -> None:
    study = upload(client)[0]["ParentStudy"]
    body = {"Replace": {"SOPInstanceUID": "1.2.9"}, "Force": True}
    answer = client.post(f"/studies/{study}/modify", body)
    assert answer.error == (400, 8)
    assert "Two instances would become one" in answer.json["Details"]
    [job] = client.get("/jobs").json
    assert answer.json["ErrorPayload"] == {"Job": job}
    assert answer.headers["location"] == f"/jobs/{job}"


def test_without_descriptions_of_errors_there_is_the_address(make_client: Callable[..., Client]) -> None:
    client = make_client(http_describe_errors=False)
    answer = ask(client, "modify", upload(client))
    assert (answer.status, answer.body) == (400, b"")
    assert re.fullmatch("/jobs/[0-9a-f-]{36}", answer.headers["location"])


def test_what_left_the_store_is_no_resource_to_delete(make_client: Callable[..., Client]) -> None:
    client = make_client()
    place = client.folder / "research"
    client = make_client(targets={"research": str(place)})
    assert ask(client, "modify", upload(client), Target="research").error == (400, 15)
    [job] = client.get("/jobs").json
    content = client.get(f"/jobs/{job}").json["Content"]
    assert len(content["Files"]) == 2
    assert "Products" not in content
