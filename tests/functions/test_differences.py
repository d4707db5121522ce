"""Where the routes answer otherwise than Orthanc's on purpose (docs/compatibility.md)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api_client import Client


@pytest.mark.parametrize("action", ["anonymize", "modify"])
@pytest.mark.parametrize(
    "body",
    [
        {"Replace": {"PatientNam": "x"}},
        {"Replace": {"patientname": "x"}},
        {"Replace": {"ContentSequence": [{"Nope": "x"}]}},
        {"Remove": ["Nope"]},
        {"Keep": ["ContentSequence[0].Nope"]},
        {"Keep": [""]},
    ],
    ids=str,
)
def test_a_misspelled_tag_is_the_callers_mistake(client: Client, action: str, body: dict[str, Any]) -> None:
    stored = client.upload()
    for path in (stored["Path"], f"/series/{stored['ParentSeries']}"):
        assert client.post(f"{path}/{action}", body).error == (400, 27)


def test_an_unknown_id_on_a_job_route_is_not_found(client: Client) -> None:
    client.upload()
    for level in ("patients", "studies", "series"):
        for action in ("anonymize", "modify"):
            assert client.post(f"/{level}/nope/{action}", {}).error == (404, 17)
    assert client.post("/instances/nope/anonymize", {}).error == (404, 17)
    assert client.get("/jobs").json == []
