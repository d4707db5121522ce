"""The API under its stage, a custom domain and a base path: answers, and where they lead."""

from typing import Any

import pytest

from dicomorph.http import time_left
from tests.support.api_client import Answer, Client, InlineRunner

SIGNED = {"sourceIp": "192.0.2.1", "userArn": "arn:aws:iam::123456789012:user/reader"}


def _call(client: Client, method: str, resource: str, path: str, address: str, **event: Any) -> Answer:
    """Call what the gateway would, under an address."""
    functions = {
        "/studies": "browse",
        "/studies/{id}": "browse",
        "/studies/{id}/anonymize": "anonymize_resources",
    }
    sent = {"resource": resource, "path": path, "httpMethod": method, "requestContext": {"path": address}}
    return client.send(functions[resource], {**sent, **event})


@pytest.mark.parametrize(
    ("path", "address"), [("/studies", "/v1/studies"), ("/pacs/studies",) * 2, ("/studies",) * 2]
)
def test_the_same_is_answered_under_every_address(client: Client, path: str, address: str) -> None:
    study = client.upload()["ParentStudy"]
    assert _call(client, "GET", "/studies", path, address).json == [study]
    one = _call(client, "GET", "/studies/{id}", f"{path}/{study}", f"{address}/{study}")
    assert one.json["ID"] == study
    event = {"body": "[]", "requestContext": {"path": f"{address}/{study}/anonymize"}}
    refused = _call(client, "POST", "/studies/{id}/anonymize", f"{path}/{study}/anonymize", "", **event)
    assert refused.json["Uri"] == f"/studies/{study}/anonymize"


@pytest.mark.parametrize(
    ("before", "address", "root"),
    [("", "/v1", "/v1"), ("/pacs", "/pacs", "/pacs"), ("", "", ""), ("/a/b", "/a/b", "/a/b")],
)
def test_a_job_that_outlives_its_caller_is_found_under_the_address_that_was_called(
    client: Client,
    runner: InlineRunner,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    address: str,
    root: str,
) -> None:
    monkeypatch.setattr(time_left, "_RESERVE", 1e9)
    runner.is_holding = True
    path = f"/studies/{client.upload()['ParentStudy']}/anonymize"
    answer = _call(client, "POST", "/studies/{id}/anonymize", before + path, address + path, body="{}")
    assert answer.error == (504, 16)
    assert answer.headers["location"] == f"{root}/jobs/{answer.json['ErrorPayload']['Job']}"


@pytest.mark.parametrize(
    ("function", "resource", "path", "method"),
    [
        ("jobs", "/jobs/{id}", "/jobs/{job}", "DELETE"),
        ("system", "/tools/default-encoding", "/tools/default-encoding", "PUT"),
    ],
)
def test_who_may_only_read_changes_nothing_by_a_tunnel(
    client: Client, function: str, resource: str, path: str, method: str
) -> None:
    # One function serves both methods here, and the gateway has looked at the method as it was sent.
    study = client.upload()["ParentStudy"]
    job = client.post(f"/studies/{study}/anonymize", {"Asynchronous": True}).json["ID"]
    path = path.format(job=job)
    before = client.get("/tools/default-encoding").body
    context = {"path": f"/v1{path}", "identity": SIGNED}
    event = {
        "resource": resource,
        "path": path,
        "httpMethod": "GET",
        "requestContext": context,
        "body": "Greek",
    }
    answer = client.send(function, {**event, "multiValueQueryStringParameters": {"_method": [method]}})
    assert (answer.status, answer.headers["allow"].split(",")[0]) == (
        405,
        "DELETE" if method == "DELETE" else "GET",
    )
    assert client.get(f"/jobs/{job}").status == 200
    assert client.get("/tools/default-encoding").body == before
