"""JSON that Lambda cannot pass on is answered by its address."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen

import pydicom
import pytest
import requests

from dicomorph import bootstrap
from dicomorph.dicom.views import tags_view
from dicomorph.http import large_answers
from dicomorph.http.responses import json_answer
from dicomorph.model.errors import StorageFullError
from dicomorph.services.browse import read_instance
from tests.support.api_client import Answer, Client, make_dicom

FULL = read_instance.LARGEST_TEXT


def followed(answer: Answer) -> str:
    """Return what lies behind a redirection to a file."""
    assert (answer.status, answer.body) == (303, b"")
    assert answer.headers["content-type"].startswith("application/json")
    return Path(unquote(urlsplit(answer.headers["location"]).path)).read_text("utf-8")


@pytest.mark.parametrize(
    ("value", "size"),  # of a repeated character as Lambda passes it on
    [("x", 1), ("é", 2), ('"', 4), ("\\", 4), ("\ud800", 3), ("𝄞", 4), ("\0", 7)],
)
def test_an_answer_is_stored_when_it_is_larger_than_what_lambda_passes_on(
    client: Client, value: str, size: int
) -> None:
    around = len('"\\"\\"\\n"')
    fitting = value * ((FULL - around) // size)
    answer = json_answer(fitting)
    assert large_answers.carried(client.backend, answer) is answer
    stored = large_answers.carried(client.backend, json_answer(fitting + value))
    location = stored.headers["Location"]
    assert stored.status_code == 303
    with urlopen(str(location)) as file:
        assert json.loads(file.read().decode("utf-8", "surrogatepass")) == fitting + value


def test_what_does_not_fit_is_said_by_the_file_behind_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = client.upload("PAT")["ParentStudy"]
    shown = client.get(f"/studies/{study}")
    monkeypatch.setattr(large_answers, "LARGEST_TEXT", len(shown.body) // 2)
    assert followed(client.get(f"/studies/{study}")).encode() == shown.body
    content = json.loads(followed(client.post(f"/studies/{study}/anonymize", {})))
    assert content["ParentResources"] == [study]
    assert json.loads(followed(client.get("/studies", query={"expand": ""})))[0]["ID"] in {
        study,
        content["ID"],
    }
    assert client.get("/studies/nope").status == 404
    assert client.post("/tools/bulk-modify", {"Resources": 5}).error[0] == 400


def test_the_cloud_answers_a_link_to_s3(aws_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = aws_client.upload("PAT")
    monkeypatch.setattr(large_answers, "LARGEST_TEXT", 10)
    answer = aws_client.get("/instances")
    url = urlsplit(answer.headers["location"])
    assert (answer.status, url.scheme) == (303, "https")
    key = url.path.rpartition("results/")
    data = aws_client.backend.objects.get("".join(key[1:]))
    assert data is not None
    assert json.loads(data) == [stored["ID"]]


def test_files_that_lambda_has_no_room_for_are_fetched_from_s3_for_a_quarter_of_an_hour(
    aws_client: Client,
) -> None:
    data = make_dicom("PAT")
    path = aws_client.post("/instances", data).json["Path"]
    aws_client.backend = replace(aws_client.backend, largest_answer=len(data) // 2)
    bootstrap.use_backend(aws_client.backend)
    answers = [
        aws_client.get(f"{path}/file"),
        aws_client.post(f"{path}/anonymize", {}),
        aws_client.post(f"{path}/modify", {"Replace": {"StudyDescription": "EDITED"}}),
    ]
    files = []
    for answer in answers:
        assert (answer.status, answer.body) == (303, b"")
        expires = int(parse_qs(urlsplit(answer.headers["location"]).query)["X-Amz-Expires"][0])
        assert 0 < expires <= 900
        files.append(requests.get(answer.headers["location"], timeout=5).content)
    assert files[0] == data
    assert pydicom.dcmread(BytesIO(files[1])).PatientIdentityRemoved == "YES"
    assert b"PAT" not in files[1]
    assert pydicom.dcmread(BytesIO(files[2])).StudyDescription == "EDITED"


def test_an_answer_that_cannot_be_stored_is_an_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageFullError

    monkeypatch.setattr(large_answers, "LARGEST_TEXT", 10)
    monkeypatch.setattr(client.backend.objects, "put", refuse)
    assert client.get("/statistics").error == (507, 19)


ROUTES = [("tags", {}), ("tags", {"short": ""}), ("tags", {"simplify": ""}), ("simplified-tags", {})]


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_tags_that_are_too_many_for_memory_are_answered_as_others(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, deployment: str
) -> None:
    client: Client = request.getfixturevalue(deployment)
    path = f"/instances/{client.upload('PAT', PatientComments='Müller')['ID']}"
    shown = [client.get(f"{path}/{route}", query=query) for route, query in ROUTES]
    monkeypatch.setattr(tags_view, "_IN_MEMORY", 0)
    monkeypatch.setattr(tags_view, "_AT_ONCE", 2)
    assert [client.get(f"{path}/{route}", query=query) for route, query in ROUTES] == shown
    monkeypatch.setattr(read_instance, "LARGEST_TEXT", 10)
    for (route, query), answer in zip(ROUTES, shown, strict=True):
        elsewhere = client.get(f"{path}/{route}", query=query)
        key = "results/" + urlsplit(elsewhere.headers["location"]).path.rpartition("results/")[2]
        assert (elsewhere.status, elsewhere.body) == (303, b"")
        assert client.backend.objects.get(key) == answer.body
