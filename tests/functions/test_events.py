"""The example events of the API, each sent to the function that the route table names."""

import json
from pathlib import Path
from typing import Any

import pytest

from dicomorph.http.routes import ROUTES
from tests.support.api_client import Client

EVENTS = {path.stem: path for path in (Path(__file__).parents[2] / "events/api").glob("*.json")}

# What is not 200 on a store with the one instance of post_instances.json.
STATUS = {
    "delete_study_metadata_value": 404,  # it has none yet
    "delete_upload": 404,
    "get_job": 404,
    "get_study_label": 404,
    "get_unknown_path": 404,
    "get_upload": 404,
    "patch_studies": 405,
    "post_job_cancel": 400,
    "post_upload_complete": 404,
}


def _load(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(EVENTS[name].read_text(encoding="utf-8"))
    return event


def _function(event: dict[str, Any]) -> str:
    return ROUTES.get(event["resource"], {}).get(event["httpMethod"], "unmatched")


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_each_event_is_answered(client: Client, name: str) -> None:
    if name != "post_instances":
        assert client.send("instances", _load("post_instances")).status == 200
    event = _load(name)
    assert client.send(_function(event), event).status == STATUS.get(name, 200)


def test_the_events_are_answered_alike_on_aws(aws_client: Client) -> None:
    last = "delete_series"
    for name in ["post_instances", *sorted(EVENTS.keys() - {last}), last]:
        event = _load(name)
        assert (name, aws_client.send(_function(event), event).status) == (name, STATUS.get(name, 200))
    # What was made of the example stays: of the study itself, and of what earlier events added to it.
    assert aws_client.get("/statistics").json["CountInstances"] == 8
    assert len(aws_client.stored_files()) == 8


def test_every_function_of_the_api_has_an_event() -> None:
    functions = {function for methods in ROUTES.values() for function in methods.values()}
    assert {_function(_load(name)) for name in EVENTS} == functions | {"unmatched"}
