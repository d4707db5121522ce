"""Jobs: submitted, waited for, shown."""

from dataclasses import replace

import pytest

from dicomorph.model.errors import StorageFullError
from dicomorph.services.jobs.actions import cancel_job
from tests.support.api_client import Answer, Client, InlineRunner
from tests.workflows.embedded import Server
from tests.workflows.meddling import before_nth


@pytest.fixture
def study(client: Client) -> dict[str, str]:
    client.upload("PAT", 1, 1, 1)
    client.upload("PAT", 1, 2, 1)
    return client.upload("PAT", 1, 2, 2)


@pytest.mark.parametrize(
    ("level", "key", "count"),
    [("patients", "ParentPatient", 3), ("studies", "ParentStudy", 3), ("series", "ParentSeries", 2)],
)
def test_a_synchronous_job_answers_its_content(
    client: Client, study: dict[str, str], level: str, key: str, count: int
) -> None:
    answer = client.post(f"/{level}/{study[key]}/anonymize", {})
    assert answer.status == 200
    content = answer.json
    kind = {"patients": "Patient", "studies": "Study", "series": "Series"}[level]
    assert content["Type"] == kind
    assert content["IsAnonymization"] is True
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (count, 0)
    assert content["ParentResources"] == [study[key]]
    assert content["Path"] == f"/{level}/{content['ID']}"
    made = client.get(content["Path"]).json
    assert made["AnonymizedFrom"] == study[key]
    assert len(client.get("/patients").json) == 2
    assert client.get(f"/patients/{content['PatientID']}").status == 200


def test_modification_keeps_the_patient(client: Client, study: dict[str, str]) -> None:
    content = client.post(
        f"/studies/{study['ParentStudy']}/modify", {"Replace": {"StudyDescription": "New"}}
    ).json
    assert content["IsAnonymization"] is False
    made = client.get(content["Path"]).json
    assert made["MainDicomTags"]["StudyDescription"] == "New"
    assert made["ModifiedFrom"] == study["ParentStudy"]
    assert made["ParentPatient"] == study["ParentPatient"]


@pytest.mark.parametrize("option", [{"Asynchronous": True}, {"Synchronous": False}])
def test_an_asynchronous_job_answers_its_id(
    client: Client, study: dict[str, str], option: dict[str, bool]
) -> None:
    answer = client.post(f"/studies/{study['ParentStudy']}/anonymize", option)
    assert answer.status == 200
    job = answer.json["ID"]
    assert answer.json == {"ID": job, "Path": f"/jobs/{job}"}
    assert client.get("/jobs").json == [job]
    shown = client.get(f"/jobs/{job}").json
    assert (shown["ID"], shown["State"], shown["Progress"]) == (job, "Success", 100)
    assert client.get("/jobs", query={"expand": ""}).json[0]["ID"] == job


def test_synchronous_calls_are_jobs_too(client: Client, study: dict[str, str]) -> None:
    content = client.post(f"/series/{study['ParentSeries']}/modify", {"UserData": {"a": 1}}).json
    [job] = client.get("/jobs").json
    shown = client.get(f"/jobs/{job}").json
    assert shown["Content"] == content
    assert shown["UserData"] == {"a": 1}


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_a_job_that_outlives_the_gateway_is_a_504_with_its_place(
    deployment: str, request: pytest.FixtureRequest, runner: InlineRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Client = request.getfixturevalue(deployment)
    study = client.upload("PAT", 1, 1, 1)["ParentStudy"]
    runner.is_holding = True
    monkeypatch.setattr("dicomorph.http.time_left._RESERVE", 1e9)  # no time is left from the start
    answer = client.post(f"/studies/{study}/anonymize", {})
    assert answer.error == (504, 16)
    [job] = client.get("/jobs").json
    assert answer.headers["location"] == f"/jobs/{job}"
    assert client.get(f"/jobs/{job}").json["State"] == "Pending"


def test_a_failed_job_answers_its_error(client: Client, study: dict[str, str]) -> None:
    path = f"/studies/{study['ParentStudy']}"
    for key in client.backend.objects.keys("instances/"):
        next(client.folder.rglob(key.rsplit("/", 1)[-1])).write_bytes(b"no DICOM any more")
    answer = client.post(f"{path}/anonymize", {})
    assert answer.error[0] >= 400
    [job] = client.get("/jobs").json
    assert (answer.json["ErrorPayload"]["Job"], answer.headers["location"]) == (job, f"/jobs/{job}")
    shown = client.get(f"/jobs/{job}").json
    assert answer.json["Details"] == shown["ErrorDetails"]
    assert (shown["State"], shown["ErrorCode"]) == ("Failure", answer.json["OrthancStatus"])


@pytest.mark.parametrize("level", ["patients", "studies", "series"])
@pytest.mark.parametrize("action", ["anonymize", "modify"])
def test_bad_requests_make_no_job(client: Client, level: str, action: str) -> None:
    path = f"/{level}/nope/{action}"
    assert client.post(path, {}).error == (404, 17)
    assert client.post(path, "[]").error == (400, 15)
    assert client.post(path, {"Replace": 5}).error == (400, 8)
    assert client.post(path, {"KeepSource": "no"}).error == (400, 15)
    assert client.get("/jobs").json == []


def test_an_unknown_job_is_an_empty_404(client: Client) -> None:
    answer = client.get("/jobs/nope")
    assert (answer.status, answer.body) == (404, b"")


# ------------------------------------------------------------------ actions


@pytest.fixture
def pending(client: Client, study: dict[str, str], runner: InlineRunner) -> str:
    """A job that nobody runs."""
    runner.is_holding = True
    body = {"Asynchronous": True, "KeepSource": False}
    return str(client.post(f"/studies/{study['ParentStudy']}/anonymize", body).json["ID"])


def state(client: Client, job: str) -> tuple[str, int]:
    found = client.get(f"/jobs/{job}").json
    return found["State"], found["ErrorCode"]


def test_a_pending_job_is_paused_resumed_cancelled_and_submitted_again(
    client: Client, pending: str, runner: InlineRunner
) -> None:
    steps = (
        ("pause", ("Paused", 0)),
        ("pause", ("Paused", 0)),
        ("resume", ("Pending", 0)),
        ("cancel", ("Failure", 37)),
        ("cancel", ("Failure", 37)),
        ("pause", ("Failure", 37)),
        ("resubmit", ("Pending", 0)),
        ("pause", ("Paused", 0)),
        ("cancel", ("Failure", 37)),
    )
    for action, expected in steps:
        answer = client.post(f"/jobs/{pending}/{action}")
        assert (answer.status, answer.json, state(client, pending)) == (200, {}, expected)
    assert client.get(f"/jobs/{pending}").json["ErrorDescription"] == "This job was canceled"
    assert client.get("/statistics").json["CountInstances"] == 3
    runner.is_holding = False
    assert client.post(f"/jobs/{pending}/resubmit", "{}").status == 200  # clients send bodies, too
    done = client.get(f"/jobs/{pending}").json
    assert (done["State"], done["ID"], done["Content"]["InstancesCount"]) == ("Success", pending, 3)
    assert client.get("/statistics").json["CountInstances"] == 3
    assert client.get("/jobs").json == [pending]


@pytest.mark.parametrize("action", ["cancel", "pause", "resume", "resubmit"])
def test_an_unknown_job_cannot_be_acted_on(client: Client, action: str) -> None:
    answer = client.post(f"/jobs/nope/{action}")
    assert (answer.status, answer.body) == (400, b"")


def test_a_job_in_another_state_is_not_started(client: Client, pending: str) -> None:
    for action in ("resume", "resubmit"):
        answer = client.post(f"/jobs/{pending}/{action}")
        assert (answer.status, answer.body, state(client, pending)) == (400, b"", ("Pending", 0))


def test_a_finished_job_is_left_alone(client: Client, study: dict[str, str]) -> None:
    client.post(f"/studies/{study['ParentStudy']}/anonymize", {})
    [job] = client.get("/jobs").json
    before = client.get(f"/jobs/{job}").json
    assert [client.post(f"/jobs/{job}/{one}").status for one in ("cancel", "pause")] == [200, 200]
    assert [client.post(f"/jobs/{job}/{one}").status for one in ("resume", "resubmit")] == [400, 400]
    after = client.get(f"/jobs/{job}").json
    assert {**after, "Timestamp": ""} == {**before, "Timestamp": ""}


def stop_before_sources_go(client: Client, job: str) -> list[Answer]:
    """Run a job to its end, which somebody cancels and pauses as soon as it is too late for both."""
    answers: list[Answer] = []

    def stop() -> None:
        answers.extend(client.post(f"/jobs/{job}/{action}") for action in ("cancel", "pause"))

    index = before_nth(client.backend.index, "remove_instances", 1, stop)
    server = Server(replace(client.backend, index=index))
    server.finish(server.job(job))
    return answers


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_a_stop_that_holds_one_that_is_too_late_and_one_of_a_job_that_had_ended(
    deployment: str, request: pytest.FixtureRequest, runner: InlineRunner
) -> None:
    client: Client = request.getfixturevalue(deployment)
    study = client.upload("PAT", 1, 1, 1)["ParentStudy"]
    runner.is_holding = True
    body = {"Asynchronous": True, "KeepSource": False}
    job = client.post(f"/studies/{study}/anonymize", body).json["ID"]
    for action, expected in (("cancel", "Failure"), ("resubmit", "Pending"), ("pause", "Paused")):
        answer = client.post(f"/jobs/{job}/{action}")
        assert (answer.status, answer.json, state(client, job)[0]) == (200, {}, expected)
    client.post(f"/jobs/{job}/resume")
    refused = stop_before_sources_go(client, job)
    assert len(refused) == 2
    for answer in refused:
        assert answer.error == (409, 6)
        assert answer.json["OrthancError"] == "Bad sequence of calls"
        assert answer.json["Details"] == (
            "The job is coming to its end, or has just ended: it can no longer be paused or cancelled"
        )
    assert state(client, job) == ("Success", 0)
    assert client.get("/statistics").json["CountInstances"] == 1
    for action in ("cancel", "pause"):
        answer = client.post(f"/jobs/{job}/{action}")
        assert (answer.status, answer.json, state(client, job)) == (200, {}, ("Success", 0))
        answer = client.post(f"/jobs/nope/{action}")
        assert (answer.status, answer.body) == (400, b"")


def test_only_a_job_that_ended_is_deleted(client: Client, pending: str) -> None:
    assert client.delete(f"/jobs/{pending}").error == (404, 7)
    assert client.post(f"/jobs/{pending}/pause").status == 200
    assert client.delete(f"/jobs/{pending}").error == (404, 7)
    client.post(f"/jobs/{pending}/cancel")
    answer = client.delete(f"/jobs/{pending}")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "text/plain")
    assert client.get("/jobs").json == []
    assert list(client.backend.objects.keys("jobs/")) == []
    assert client.delete(f"/jobs/{pending}").error == (404, 7)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_jobs_have_no_outputs(client: Client, pending: str, method: str) -> None:
    for job in (pending, "nope"):
        assert client.call(method, f"/jobs/{job}/archive").error == (404, 7)


def test_a_synchronous_call_hears_of_a_cancellation(
    client: Client, study: dict[str, str], runner: InlineRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "start", lambda job: cancel_job(client.backend, job.id))
    answer = client.post(f"/studies/{study['ParentStudy']}/anonymize", {})
    assert answer.error == (500, 37)
    assert client.get("/statistics").json["CountInstances"] == 3


def test_a_job_names_its_caller_in_its_record_alone(client: Client, study: dict[str, str]) -> None:
    arn = "arn:aws:sts::123456789012:assumed-role/Radiology/jane"
    identity = {"sourceIp": "192.0.2.1", "userArn": arn}
    path = f"/studies/{study['ParentStudy']}/anonymize"
    client.post(path, {}, requestContext={"identity": identity, "stage": "v1", "path": path})
    [job] = client.backend.jobs.all()
    assert job.caller == arn
    assert arn not in client.get(f"/jobs/{job.id}").body.decode()
    instance = client.get(f"{job.content['Path']}/instances").json[0]["ID"]
    assert client.get(f"/instances/{instance}/metadata", query={"expand": ""}).json["HttpUsername"] == ""


def test_a_full_disk_is_a_507(
    client: Client, study: dict[str, str], runner: InlineRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.is_holding = True
    runner.lost = StorageFullError("No space is left for the documents of the job")
    answer = client.post(f"/studies/{study['ParentStudy']}/anonymize", {})
    assert answer.error == (507, 19)
    [job] = client.get("/jobs").json
    assert state(client, job) == ("Failure", 19)
