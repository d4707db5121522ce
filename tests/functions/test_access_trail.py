"""Who did what: the events that requests leave, and what becomes of those that cannot leave one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.embedded.access_trail import FILE
from dicomorph.http.routes import each_route
from dicomorph.model import access
from dicomorph.model.access import AccessTrailSetting, OnFailure
from dicomorph.model.errors import InternalError, StorageFullError, TransientError
from tests.support.api_client import Client, InlineRunner, make_dicom
from tests.support.memory_trail import MemoryTrail

Events = list[dict[str, Any]]
UNKNOWN = "-".join(["0badcafe"] * 5)


@pytest.fixture
def trail() -> MemoryTrail:
    return MemoryTrail()


@pytest.fixture
def watched(client: Client, runner: InlineRunner, trail: MemoryTrail) -> Client:
    """A server that writes down who does what."""
    return watch(client, runner, trail)


def watch(client: Client, runner: InlineRunner, trail: MemoryTrail, **setting: Any) -> Client:
    settings = replace(client.backend.settings, access_trail=AccessTrailSetting(**setting))
    client.backend = replace(client.backend, trail=trail, settings=settings)
    runner.backend = client.backend
    bootstrap.use_backend(client.backend)
    return client


def kinds(events: Events) -> list[tuple[str, str, int | None]]:
    return [(one["Event"], one["Route"], one.get("Status")) for one in events]


def test_what_is_read_is_written_down_with_who_asked(watched: Client, trail: MemoryTrail) -> None:
    stored = watched.upload("PAT")
    trail.events()
    context = {
        "requestId": "r1",
        "identity": {"sourceIp": "192.0.2.7", "userArn": "arn:aws:iam::1:user/x", "accessKey": "AKIA1"},
    }
    assert watched.get(f"/instances/{stored['ID']}/file", requestContext=context).status == 200
    (event,) = trail.events()
    assert event.pop("Time") == watched.backend.now().isoformat(timespec="milliseconds")
    assert event == {
        "Event": "Answered",
        "Request": "r1",
        "Principal": "arn:aws:iam::1:user/x",
        "AccessKey": "AKIA1",
        "Address": "192.0.2.7",
        "Method": "GET",
        "Route": "/instances/{id}/file",
        "Resources": [stored["ID"]],
        "ResourcesCount": 1,
        "Status": 200,
    }


def test_a_user_of_a_user_pool_is_told_by_its_subject(watched: Client, trail: MemoryTrail) -> None:
    context = {"identity": {"sourceIp": "192.0.2.7"}, "authorizer": {"claims": {"sub": "4f1c"}}}
    watched.get("/system", requestContext=context)
    watched.get("/system", requestContext={"authorizer": {"principalId": "p"}})
    assert [one["Principal"] for one in trail.events()] == ["4f1c", "p"]


def test_what_changes_something_is_written_down_before_and_after(watched: Client, trail: MemoryTrail) -> None:
    stored = watched.upload("PAT")
    asked, answered = trail.events()
    assert kinds([asked, answered]) == [("Asked", "/instances", None), ("Answered", "/instances", 200)]
    assert "Resources" not in asked
    assert answered["Resources"] == [stored["ID"]]
    watched.delete(f"/studies/{stored['ParentStudy']}")
    events = trail.events()
    assert kinds(events) == [("Asked", "/studies/{id}", None), ("Answered", "/studies/{id}", 200)]
    assert [one["Resources"] for one in events] == [[stored["ParentStudy"]]] * 2


def test_nothing_changes_unless_it_could_be_written_down(watched: Client, trail: MemoryTrail) -> None:
    stored = watched.upload("PAT")
    for error in (StorageFullError("full"), TransientError("away"), InternalError("refused")):
        trail.error = error
        calls = [
            watched.delete(f"/patients/{stored['ParentPatient']}"),
            watched.post("/tools/bulk-delete", {"Resources": [stored["ID"]]}),
            watched.put(f"/patients/{stored['ParentPatient']}/metadata/1024", "x"),
            watched.put(f"/patients/{stored['ParentPatient']}/labels/x"),
            watched.post(f"/studies/{stored['ParentStudy']}/anonymize", {}),
            watched.post("/instances", make_dicom("OTHER")),
        ]
        assert {answer.error[0] >= 500 for answer in calls} == {True}
    trail.error = None
    assert watched.get("/patients").json == [stored["ParentPatient"]]
    assert watched.get(f"/patients/{stored['ParentPatient']}").json["Labels"] == []
    assert watched.get("/jobs").json == []


def test_no_data_leave_unless_that_could_be_written_down(watched: Client, trail: MemoryTrail) -> None:
    stored = watched.upload("PAT", PatientComments="SECRET")
    trail.error = TransientError("away")
    for path in ("", "/file", "/tags", "/simplified-tags"):
        answer = watched.get(f"/instances/{stored['ID']}{path}")
        assert answer.error[0] >= 500
        assert b"SECRET" not in answer.body
        assert "location" not in answer.headers
    answer = watched.post(f"/instances/{stored['ID']}/modify", {})
    assert (answer.error[0] >= 500, b"SECRET" in answer.body) == (True, False)


def test_requests_go_on_without_a_trail_where_that_was_asked_for(
    client: Client, runner: InlineRunner, trail: MemoryTrail, caplog: pytest.LogCaptureFixture
) -> None:
    watched = watch(client, runner, trail, on_failure=OnFailure.CONTINUE)
    trail.error = TransientError("away")
    stored = watched.upload("PAT")
    assert watched.get(f"/instances/{stored['ID']}/file").status == 200
    told = [record for record in caplog.records if record.message == "Access not recorded"]
    assert len(told) == 3
    assert stored["ID"] not in caplog.text


def test_bodies_that_name_resources_are_written_down(watched: Client, trail: MemoryTrail) -> None:
    stored = [watched.upload("PAT", 1, 1, number) for number in (1, 2, 3)]
    other = watched.upload("TWO", 2, 1, 1)
    trail.events()
    study = stored[0]["ParentStudy"]
    ids = [one["ID"] for one in stored]
    level = {"Level": "Instance", "ID": ids[1]}
    requests: list[tuple[str, Any, list[str], int]] = [
        ("/tools/bulk-content", {"Resources": ids}, ids, 3),
        ("/tools/bulk-anonymize", {"Resources": ids}, ids, 3),
        ("/tools/bulk-modify", {"Resources": [UNKNOWN]}, [UNKNOWN], 1),
        (f"/studies/{study}/split", {"Instances": ids[:1], "KeepSource": True}, [study, ids[0]], 2),
        (f"/studies/{study}/merge", {"Resources": [other["ID"]]}, [study, other["ID"]], 2),
        ("/tools/bulk-delete", {"Resources": [ids[0], level]}, ids[:2], 2),
        ("/tools/bulk-delete", {"Resources": [ids[2], "x" * 10_000, 7, None]}, ids[2:], 4),
        ("/tools/bulk-delete", "{", [], 0),
    ]
    for path, body, named, count in requests:
        watched.post(path, body)
        for event in trail.events():
            assert (event.get("Resources", []), event.get("ResourcesCount", 0)) == (named, count)


def test_many_resources_are_named_in_several_lines(
    watched: Client, trail: MemoryTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "NAMED_AT_ONCE", 3)
    monkeypatch.setattr(access, "MOST_NAMED", 8)
    ids = [f"{UNKNOWN[:-2]}{number:02}" for number in range(10)]
    watched.post("/tools/bulk-content", {"Resources": ids})
    events = trail.events()
    assert [one["Resources"] for one in events] == [ids[:3], ids[3:6], ids[6:8]]
    assert {one["ResourcesCount"] for one in events} == {10}


@pytest.mark.parametrize("is_waiting", [True, False])
def test_the_job_is_named_by_what_submits_it_and_by_what_asks_for_it(
    watched: Client,
    trail: MemoryTrail,
    is_waiting: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    study = watched.upload("PAT")["ParentStudy"]
    trail.events()
    watched.post(f"/studies/{study}/anonymize", {"Synchronous": is_waiting})
    asked, answered = trail.events()
    assert "Job" not in asked
    job = answered["Job"]
    assert watched.get("/jobs").json == [job]
    trail.events()
    watched.get(f"/jobs/{job}")
    watched.delete(f"/jobs/{job}")
    watched.get("/jobs/nobody's")
    events = trail.events()
    assert [one.get("Job") for one in events] == [job, job, job, None]
    assert not any("Resources" in one for one in events)


def test_refusals_are_written_down(watched: Client, trail: MemoryTrail) -> None:
    watched.get(f"/studies/{UNKNOWN}")
    watched.post("/tools/bulk-modify", "no JSON")
    watched.get("/instances", query={"since": "x"})
    answered = [one for one in trail.events() if one["Event"] == "Answered"]
    assert [one["Status"] for one in answered] == [404, 400, 400]


def test_a_link_is_written_down_when_it_is_given(
    watched: Client, trail: MemoryTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = watched.upload("PAT")
    trail.events()
    watched.backend = replace(watched.backend, largest_answer=0)
    bootstrap.use_backend(watched.backend)
    assert watched.get(f"/instances/{stored['ID']}/file").status == 303
    (event,) = trail.events()
    assert (event["Status"], event["Link"], event["Resources"]) == (303, True, [stored["ID"]])


def test_lines_hold_nothing_but_what_they_are_for(watched: Client, trail: MemoryTrail) -> None:
    stored = watched.upload("SECRETID", PatientName="SECRET^NAME")
    watched.put(f"/patients/{stored['ParentPatient']}/metadata/1024", "SECRET")
    watched.put(f"/patients/{stored['ParentPatient']}/labels/SECRET")
    watched.post(f"/studies/{stored['ParentStudy']}/modify", {"Replace": {"PatientComments": "SECRET"}})
    watched.get("/instances/SECRET")
    watched.takes_any_argument = True
    watched.get(f"/patients/{stored['ParentPatient']}", query={"SECRET": "SECRET"})
    watched.call("GET", "/no/SECRET/route")
    assert "SECRET" not in "".join(trail.lines)
    assert len(trail.lines) == 11


def test_an_upload_is_named_where_it_is_offered_and_asked_for(watched: Client, trail: MemoryTrail) -> None:
    upload = watched.post("/uploads", {"Size": 100}).json["ID"]
    watched.get(f"/uploads/{upload}")
    watched.get("/uploads/nobody's")
    watched.delete(f"/uploads/{upload}")
    events = trail.events()
    assert [one.get("Upload") for one in events] == [None, upload, upload, None, upload, upload]
    assert not any("Resources" in one or "ResourcesCount" in one for one in events)


def test_each_route_that_may_change_something_is_written_down_before(
    watched: Client, trail: MemoryTrail
) -> None:
    changing = {(route.method, route.path) for _, route in each_route() if route.permission.value != "read"}
    assert len(changing) > 30
    for method, path in sorted(changing):
        watched.takes_any_argument = True
        watched.call(method, path.replace("{id}", UNKNOWN).replace("{name}", "1024").replace("{label}", "x"))
        events = trail.events()
        assert [(one["Event"], one["Route"]) for one in events] == [("Asked", path), ("Answered", path)]


def test_without_the_setting_nothing_is_written(client: Client, tmp_path: Path) -> None:
    assert client.backend.trail is None
    client.upload("PAT")
    assert not list(tmp_path.rglob("*.jsonl"))


def test_one_machine_writes_to_the_folder_of_the_setting(
    make_client: Callable[..., Client], tmp_path: Path
) -> None:
    setting = AccessTrailSetting(folder=str(tmp_path / "trail"))
    client = make_client(access_trail=setting)
    stored = client.upload("PAT")
    client.get(f"/instances/{stored['ID']}")
    lines = [json.loads(line) for line in (tmp_path / "trail" / FILE).read_text().splitlines()]
    assert [(one["Event"], one["Method"]) for one in lines] == [
        ("Asked", "POST"),
        ("Answered", "POST"),
        ("Answered", "GET"),
    ]
