"""What the options of jobs may hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs import record
from dicomorph.model.resources import ObjectRef
from tests.support.api_client import Client


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def submit(client: Client, **options: object) -> str:
    series = client.upload("ONE", 1, 1, 1)["ParentSeries"]
    answer = client.post(f"/series/{series}/modify", {"Asynchronous": True, **options})
    if answer.status == 200:
        return str(answer.json["Path"])
    assert client.get("/jobs").json == []
    return f"{answer.error}"


@pytest.mark.parametrize("priority", [-(2**31), -1, 0, 2**31 - 1])
def test_a_priority_has_32_bits(client: Client, priority: int) -> None:
    assert client.get(submit(client, Priority=priority)).json["Priority"] == priority


@pytest.mark.parametrize("priority", [2**31, -(2**31) - 1, 10**40, 3.0, True, "3", None])
def test_anything_else_is_no_priority(client: Client, priority: object) -> None:
    assert submit(client, Priority=priority) == "(400, 15)"


def test_user_data_are_shown_up_to_256_kib(client: Client) -> None:
    largest = "x" * (256 * 1024 - 2)  # and its quotes
    assert client.get(submit(client, UserData=largest)).json["UserData"] == largest


@pytest.mark.parametrize("data", ["x" * 256 * 1024, [0] * 256 * 1024, {"é" * 100_000: 0}, nested(400)])
def test_larger_user_data_are_refused(client: Client, data: object) -> None:
    """Deeply nested data are large as well: they are shown indented."""
    assert submit(client, UserData=data) == "(400, 8)"


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_nested_user_data_are_shown(deployment: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(deployment)
    data = nested(280)
    assert client.get(submit(client, UserData=data)).json["UserData"] == data


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_user_data_burden_neither_the_record_nor_what_workers_read(
    deployment: str, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(deployment)
    given: list[Any] = ["x" * 200_000, [], False, None]
    jobs = [submit(client, UserData=data).rpartition("/")[2] for data in given]
    expected = [*given[:3], "none"]
    for job in jobs:
        held = client.backend.jobs.get(job)
        assert held is not None
        assert len(json.dumps(record.encode(held))) < 2_000
        assert len(client.backend.objects.get(f"jobs/{job}/request.json") or b"") < 1_000
    assert [client.get(f"/jobs/{job}").json.get("UserData", "none") for job in jobs] == expected
    shown = {job["ID"]: job.get("UserData", "none") for job in client.get("/jobs", query={"expand": ""}).json}
    assert [shown[job] for job in jobs] == expected
    client.delete(f"/jobs/{jobs[0]}")
    assert [*client.backend.objects.keys(f"jobs/{jobs[0]}/")] == []


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_user_data_of_a_job_of_an_earlier_version_are_in_its_record(
    deployment: str, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(deployment)
    job = submit(client).rpartition("/")[2]
    held = client.backend.jobs.get(job)
    assert held is not None
    client.backend.jobs.update(replace(held, user_data={"Ticket": 7}))
    assert client.get(f"/jobs/{job}").json["UserData"] == {"Ticket": 7}


@pytest.mark.parametrize("document", [None, b"", b"{", b"[]", b"{}", b"1"])
def test_user_data_that_a_power_cut_has_taken_are_left_out(client: Client, document: bytes | None) -> None:
    job = submit(client, UserData="x").rpartition("/")[2]
    key = f"jobs/{job}/user-data.json"
    if document is None:
        client.backend.objects.discard([ObjectRef(key, "", 0)], pinned=False)
    else:
        client.backend.objects.put(key, document)
    answer = client.get(f"/jobs/{job}")
    assert (answer.status, "UserData" in answer.json) == (200, False)
