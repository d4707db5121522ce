"""Routes that list ask the index in batches: never once for each resource."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from dicomorph.model.errors import TimeLimitError
from dicomorph.model.resources import Ancestry, Level
from dicomorph.services.browse import hierarchy
from dicomorph.services.deadline import Deadline
from tests.support.api_client import Answer, Client
from tests.support.written_items import ancestry, counted_calls, write_items

MANY = 110
BATCHES = 2  # of a hundred
STUDIES = 8


def asked(
    client: Client, method: str, path: str, body: Any = b"", **query: str
) -> tuple[Counter[str], Answer]:
    """Return how often each operation of DynamoDB was called for a request, and the answer to it."""
    with counted_calls(table_client(client)) as calls:
        answer = client.call(method, path, body, query=query)
    assert answer.status == 200
    return Counter(calls), answer


def table_client(client: Client) -> Any:
    index: Any = client.backend.index
    return index.catalogue._table._client


@pytest.fixture
def series(aws_client: Client) -> list[Ancestry]:
    """Instances of one series, which is complete."""
    write_items(table_client(aws_client), instances=MANY)
    return [ancestry(0, 0, number) for number in range(MANY)]


@pytest.fixture
def studies(aws_client: Client) -> list[Ancestry]:
    """Studies of one patient, with an instance each."""
    write_items(table_client(aws_client), studies=STUDIES)
    return [ancestry(number, 0, 0) for number in range(STUDIES)]


def ids(answer: Answer) -> list[str]:
    return [resource["ID"] for resource in answer.json]


def test_the_instances_of_a_series_are_read_in_batches(aws_client: Client, series: list[Ancestry]) -> None:
    instances = sorted(one.instance for one in series)
    for path in (
        f"/series/{series[0].series}",
        f"/studies/{series[0].study}",
        f"/patients/{series[0].patient}",
    ):
        calls, answer = asked(aws_client, "GET", f"{path}/instances")
        assert ids(answer) == instances
        assert (calls["GetItem"], calls["BatchGetItem"]) == (1, BATCHES)
    calls, answer = asked(aws_client, "GET", "/instances", expand="")
    assert ids(answer) == instances
    assert (calls["GetItem"], calls["BatchGetItem"]) == (0, BATCHES)
    for path in (f"/series/{series[0].series}", f"/instances/{series[0].instance}/series"):
        calls, answer = asked(aws_client, "GET", path)
        assert (answer.json["Status"], len(answer.json["Instances"])) == ("Complete", MANY)
        assert (calls["GetItem"] <= 2, calls["BatchGetItem"]) == (True, BATCHES)
    # Whether a series is complete is read with its instances.
    calls, answer = asked(aws_client, "GET", f"/studies/{series[0].study}/series")
    assert [one["Status"] for one in answer.json] == ["Complete"]
    assert (calls["GetItem"], calls["BatchGetItem"]) == (1, 1 + BATCHES)


def test_studies_are_read_in_batches(aws_client: Client, studies: list[Ancestry]) -> None:
    found = sorted(one.study for one in studies)
    calls, answer = asked(aws_client, "GET", f"/patients/{studies[0].patient}/studies")
    assert ids(answer) == found
    assert calls == {"GetItem": 1, "BatchGetItem": 1, "Query": 1 + STUDIES}
    calls, answer = asked(aws_client, "GET", "/studies", expand="")
    assert ids(answer) == found
    assert (calls["GetItem"], calls["BatchGetItem"]) == (0, 1)
    calls, answer = asked(aws_client, "GET", f"/patients/{studies[0].patient}/series")
    assert ids(answer) == sorted(one.series for one in studies)
    assert {one["Status"] for one in answer.json} == {"Complete"}
    assert (calls["GetItem"], calls["BatchGetItem"]) == (1, 2)
    calls, answer = asked(aws_client, "GET", f"/patients/{studies[0].patient}/instances")
    assert ids(answer) == sorted(one.instance for one in studies)
    assert (calls["GetItem"], calls["BatchGetItem"]) == (1, 1)


def test_named_resources_are_mapped_to_a_level_in_batches(
    aws_client: Client, studies: list[Ancestry]
) -> None:
    named = {"Resources": [one.instance for one in studies], "Metadata": False}
    calls, answer = asked(aws_client, "POST", "/tools/bulk-content", {**named, "Level": "Study"})
    assert ids(answer) == sorted(one.study for one in studies)
    assert calls["GetItem"] == 0
    assert calls["BatchGetItem"] == 3  # the names, their series, their studies
    patient = {"Resources": [studies[0].patient], "Level": "Instance"}
    calls, answer = asked(aws_client, "POST", "/tools/bulk-content", patient)
    assert ids(answer) == sorted(one.instance for one in studies)
    assert (calls["GetItem"], calls["BatchGetItem"]) == (0, 3)


def test_an_answer_stops_in_time_while_there_are_more_to_read(
    aws_client: Client, studies: list[Ancestry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.deadline._STEP", 30.0)  # as if each step took so long
    context = {"identity": {"sourceIp": "192.0.2.1"}, "stage": "v1"}
    routes: list[tuple[str, str, Any]] = [
        ("GET", f"/patients/{studies[0].patient}/instances", b""),
        ("GET", "/studies", b""),
        ("POST", "/tools/bulk-content", {"Resources": [studies[0].instance]}),
    ]
    monkeypatch.setattr("local.functions._YEAR", 29.0)
    for method, path, body in routes:
        query = {"expand": ""} if path == "/studies" else {}
        answer = aws_client.call(method, path, body, query=query, requestContext=context)
        assert answer.error == (504, 16)


def test_the_time_is_looked_at_for_each_of_the_resources_whose_children_are_asked_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hierarchy, "PARENTS_AT_ONCE", 1)
    (patient,) = {client.upload("PAT", number, 1, 1)["ParentPatient"] for number in range(6)}
    left = iter([10.0] * 4)
    deadline = Deadline(lambda: next(left, 0.0), "too late")
    with pytest.raises(TimeLimitError, match="too late"):
        hierarchy.descendant_ids(client.backend, Level.PATIENT, patient, Level.INSTANCE, deadline)
    assert list(left) == []
