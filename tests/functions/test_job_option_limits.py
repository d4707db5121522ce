"""What the options of jobs may hold."""

from __future__ import annotations

from typing import Any

import pytest

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
