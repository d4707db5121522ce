"""DELETE at each level."""

import json
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dicomorph.model.resources import Level
from dicomorph.services import deadline
from dicomorph.services.erasure import records, unfinished
from local.functions import Context
from tests.support.api_client import Client


def test_the_lowest_remaining_ancestor_is_named(client: Client) -> None:
    first = client.upload("PAT", 1, 1, 1)
    second = client.upload("PAT", 1, 1, 2)
    other_study = client.upload("PAT", 2, 1, 1)
    answer = client.delete(first["Path"])
    assert answer.status == 200
    series = first["ParentSeries"]
    assert answer.json == {"RemainingAncestor": {"ID": series, "Path": f"/series/{series}", "Type": "Series"}}
    answer = client.delete(second["Path"])
    assert answer.json["RemainingAncestor"]["Type"] == "Patient"
    answer = client.delete(f"/studies/{other_study['ParentStudy']}")
    assert answer.json == {"RemainingAncestor": None}
    assert client.get("/patients").json == []
    assert client.stored_files() == set()


def test_a_patient_goes_with_everything_below(client: Client) -> None:
    gone = client.upload("PAT", 1, 1, 1)
    client.upload("PAT", 2, 1, 1)
    kept = client.upload("OTHER", 3, 1, 1)
    assert client.delete(f"/patients/{gone['ParentPatient']}").json == {"RemainingAncestor": None}
    assert client.get("/instances").json == [kept["ID"]]
    assert len(client.stored_files()) == 1


@pytest.mark.parametrize("level", ["patients", "studies", "series", "instances"])
def test_an_unknown_id_or_one_of_another_level_is_an_empty_404(client: Client, level: str) -> None:
    uploaded = client.upload()
    ids = {
        "nope",
        uploaded["ID"],
        uploaded["ParentSeries"],
        uploaded["ParentStudy"],
        uploaded["ParentPatient"],
    }
    own = {"patients": "ParentPatient", "studies": "ParentStudy", "series": "ParentSeries", "instances": "ID"}
    for resource_id in ids - {uploaded[own[level]]}:
        answer = client.delete(f"/{level}/{resource_id}")
        assert (answer.status, answer.body, answer.headers["content-type"]) == (404, b"", "text/plain")
    assert client.get("/instances").json == [uploaded["ID"]]


# ---------------------------------------------------------------------- on AWS


def _call(client: Client, way: str, series: str, **event: Any) -> tuple[int, Any]:
    """Delete a series by its route, or as one of many; return status and body."""
    if way == "bulk":
        answer = client.post("/tools/bulk-delete", {"Resources": [series]}, **event)
    else:
        answer = client.delete(f"/series/{series}", **event)
    return answer.status, json.loads(answer.body or b"null")


def _began(seconds: float) -> dict[str, Any]:
    """Return what the gateway says of a request that it has had for a while."""
    identity = {"sourceIp": "192.0.2.1"}
    epoch = int((time.time() - seconds) * 1000)
    return {"requestContext": {"identity": identity, "stage": "v1", "path": "/", "requestTimeEpoch": epoch}}


@pytest.mark.parametrize("way", ["route", "bulk"])
def test_what_takes_too_long_is_504_and_finished_by_the_same_call(
    aws_client: Client, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(records, "_PINS", 1)
    stored = [aws_client.upload("PAT", 1, 1, number) for number in (1, 2, 3)]
    series = stored[0]["ParentSeries"]
    left = aws_client.backend.index.catalogue.ids
    with monkeypatch.context() as patch:
        # All is written down at once, and the first step takes the time that there is.
        clock = SimpleNamespace(monotonic=lambda: 26.0 if len(left(Level.INSTANCE)) < 3 else 0.0)
        patch.setattr(deadline, "time", clock)
        patch.setattr(Context, "get_remaining_time_in_millis", lambda _: 29_000)
        status, body = _call(aws_client, way, series)
    assert (status, body["OrthancStatus"], body["HttpStatus"]) == (504, 16, 504)
    assert series not in body["Details"]
    assert len(aws_client.get("/instances").json) == len(aws_client.stored_files()) == 2
    assert _call(aws_client, way, series)[0] == 200
    assert aws_client.get("/patients").json == []
    assert aws_client.stored_files() == set()
    assert [*aws_client.backend.objects.keys("erasures/")] == []


@pytest.mark.parametrize(("waited", "status"), [(0, 200), (10, 200), (28, 504), (3_600, 200)])
@pytest.mark.parametrize("way", ["route", "bulk"])
def test_the_time_that_the_gateway_has_waited_already_counts(
    aws_client: Client, monkeypatch: pytest.MonkeyPatch, way: str, waited: float, status: int
) -> None:
    """Up to as long as it ever waits: what is older comes by another clock."""
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: 29_000)
    stored = aws_client.upload("PAT", 1, 1, 1)
    assert _call(aws_client, way, stored["ParentSeries"], **_began(waited))[0] == status
    left = {200: 0, 504: 1}[status]
    assert len(aws_client.get("/instances").json) == len(aws_client.stored_files()) == left


def test_the_schedules_event_finishes_what_was_cut_short(
    aws_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = aws_client.upload()
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: 2_000)
    assert aws_client.delete(stored["Path"]).status == 504
    event = json.loads((Path(__file__).parents[2] / "events/schedule/erase.json").read_text())
    assert aws_client.module("erase").lambda_handler(event, Context()) is None
    assert aws_client.get(stored["Path"]).status == 200, "left to its call for a minute"
    monkeypatch.setattr(unfinished, "_LEFT_TO_ITS_CALL", timedelta(0))
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: 900_000)
    aws_client.module("erase").lambda_handler(event, Context())
    assert aws_client.get(stored["Path"]).status == 404
    assert aws_client.stored_files() == set()
