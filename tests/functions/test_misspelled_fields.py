"""A field that is nearly one of a request is refused, whatever the route; others are ignored."""

from __future__ import annotations

import pytest

from tests.support.api_client import Client

NAMES = ["removed", "KeepSources", "Dicomversion", "Asynchronus"]
ROUTES = [
    "/instances/{ID}/anonymize",
    "/instances/{ID}/modify",
    "/series/{ParentSeries}/anonymize",
    "/studies/{ParentStudy}/modify",
    "/patients/{ParentPatient}/anonymize",
    "/tools/bulk-anonymize",
    "/tools/bulk-modify",
    "/studies/{ParentStudy}/split",
    "/studies/{ParentStudy}/merge",
]


@pytest.mark.parametrize("route", ROUTES)
def test_a_misspelled_field_is_refused_and_changes_nothing(client: Client, route: str) -> None:
    stored = client.upload("PAT", 1, 1, 1)
    other = client.upload("PAT", 2, 1, 1)
    known = {"Resources": [other["ID"]], "Instances": [stored["ID"]]}
    for name in NAMES:
        answer = client.post(route.format(**stored), {**known, name: ["PatientName"]})
        assert answer.error == (400, 8)
        assert "was probably meant" in answer.json["Details"]
    assert client.get("/jobs").json == []
    assert client.get("/instances").json == sorted([stored["ID"], other["ID"]])
    # What no route knows is ignored, as in Orthanc, and so is what only others know.
    answer = client.post(route.format(**stored), {**known, "Foo": 1, "Expand": 1, "Peer": "x"})
    assert answer.status == 200


def test_a_misspelled_field_of_what_is_shown_is_refused(client: Client) -> None:
    body = {"Resources": [client.upload()["ID"]]}
    for name in ("level", "Metdata", "Simplfy", "ful"):
        assert client.post("/tools/bulk-content", {**body, name: True}).error == (400, 8)
    assert len(client.post("/tools/bulk-content", {**body, "Expand": True}).json) == 1
