"""Products that leave the store."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest

from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import Environment
from dicomorph.model.errors import MisconfiguredError
from tests.support.api_client import Client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out" / "research"


@pytest.fixture
def client(make_client: Callable[..., Client], folder: Path) -> Client:
    client = make_client(targets={"research": str(folder)})
    client.upload("PAT", 1, 1, 1)
    client.upload("PAT", 1, 2, 1)
    return client


def exported(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.dcm"))


def test_products_go_to_the_target_and_nothing_else_does(client: Client, folder: Path) -> None:
    (study,) = client.get("/studies").json
    answer = client.post(f"/studies/{study}/anonymize", {"Target": "research"})
    content = answer.json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (2, 0)
    assert content["Target"] == "research"
    assert "Path" not in content
    assert sorted(file["Key"] for file in content["Files"]) == exported(folder)
    assert {file["ID"] for file in content["Files"]} == {key.split("/")[3][:-4] for key in exported(folder)}
    sources = {
        one
        for level in ("patients", "studies", "series", "instances")
        for one in client.get(f"/{level}").json
    }
    assert not any(source in key for source in sources for key in exported(folder))
    for key in exported(folder):
        made = pydicom.dcmread(folder / key)
        assert made.PatientIdentityRemoved == "YES"
        assert made.PatientID != "PAT"
        assert key.startswith(f"{content['PatientID']}/{content['ID']}/")
    assert len(client.get("/instances").json) == 2
    assert len(client.get("/patients").json) == 1


def test_a_bulk_job_lists_both(client: Client, folder: Path) -> None:
    body = {"Target": "research", "Resources": client.get("/patients").json, "Asynchronous": True}
    job = client.post("/tools/bulk-anonymize", body).json
    content = client.get(job["Path"]).json["Content"]
    kinds = [resource["Type"] for resource in content["Resources"]]
    assert kinds == ["Instance", "Instance", "Series", "Series", "Study", "Patient"]
    assert sorted(file["Key"] for file in content["Files"]) == exported(folder)


def test_a_large_product_is_streamed(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.services.work.product._IN_MEMORY", 0)
    (study,) = client.get("/studies").json
    body = {"Target": "research", "Keep": ["SOPInstanceUID"], "Force": True}
    client.post(f"/studies/{study}/anonymize", body)
    single = client.get("/instances").json[0]
    expected = client.post(f"/instances/{single}/anonymize", {"Keep": ["SOPInstanceUID"], "Force": True}).body
    wanted = pydicom.dcmread(io.BytesIO(expected))
    made = [pydicom.dcmread(folder / key) for key in exported(folder)]
    assert wanted.SOPInstanceUID in {item.SOPInstanceUID for item in made}
    assert len(made) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Target": "elsewhere"}, 8),
        ({"Target": "../out"}, 8),
        ({"Target": 1}, 15),
        ({"Target": "research", "KeepSource": False}, 8),
    ],
)
def test_what_is_not_configured_is_refused(
    client: Client, folder: Path, body: dict[str, Any], code: int
) -> None:
    (study,) = client.get("/studies").json
    answer = client.post(f"/studies/{study}/anonymize", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (400, code)
    assert exported(folder) == []
    assert client.get("/jobs").json == []


@pytest.mark.parametrize("kind", ["split", "merge"])
def test_instances_that_move_within_the_store_have_no_target(client: Client, kind: str) -> None:
    (study,) = client.get("/studies").json
    body = {"Target": "research", "Resources": [], "Series": client.get("/series").json}
    assert client.post(f"/studies/{study}/{kind}", body).json["OrthancStatus"] == 8


def test_a_failed_instance_fails_the_job_and_leaves_the_others(client: Client, folder: Path) -> None:
    broken = client.get("/instances").json[0]
    for path in (client.folder / "objects" / "instances").rglob("*.dcm"):
        if broken in str(path):
            path.write_bytes(path.read_bytes()[:-4])
    (study,) = client.get("/studies").json
    answer = client.post(f"/studies/{study}/anonymize", {"Target": "research"})
    assert answer.status == 500
    assert len(exported(folder)) == 1
    assert len(client.get("/instances").json) == 2
    again = client.post(f"/studies/{study}/anonymize", {"Target": "research", "Permissive": True}).json
    assert (again["InstancesCount"], again["FailedInstancesCount"], len(again["Files"])) == (2, 1, 1)


def test_a_later_job_writes_over_what_has_the_same_identifiers_and_its_sources_stay(
    client: Client, folder: Path
) -> None:
    (study,) = client.get("/studies").json
    for description in ("first", "second"):
        body = {"Target": "research", "Keep": ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"]}
        replace = {"StudyDescription": description, "PatientID": "X", "PatientName": "X"}
        done = client.post(f"/studies/{study}/anonymize", {**body, "Replace": replace, "Force": True})
        assert done.json["InstancesCount"] == 2
    made = [pydicom.dcmread(folder / key) for key in exported(folder)]
    assert [str(one.StudyDescription) for one in made] == ["second", "second"]
    assert len(client.get("/instances").json) == 2


@pytest.mark.parametrize(
    ("place", "is_sound"),
    [
        ("bucket", True),
        ("bucket/", True),
        ("my.bucket-1/some/prefix", True),
        ("bucket/prefix/", True),
        ("/srv/research", False),
        ("~/research", False),
        ("Bucket/prefix", False),
        ("bucket//prefix", False),
        ("s3://bucket/prefix", False),
        ("bucket/a prefix", False),
        ("ab", False),
    ],
)
def test_on_aws_a_target_is_a_bucket_and_a_prefix(
    place: str, caplog: pytest.LogCaptureFixture, *, is_sound: bool
) -> None:
    environment = Environment("", "", "", json.dumps({"Targets": {"research": place}}))
    if is_sound:
        assert aws_backend(environment).settings.targets == {"research": place}
        return
    with pytest.raises(MisconfiguredError):
        aws_backend(environment)
    assert "research must lead to" in caplog.text
