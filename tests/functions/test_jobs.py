"""Jobs: submitted, waited for, shown."""

import pytest

from tests.support.api_client import Client, InlineRunner


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


def test_a_job_that_outlives_the_gateway_is_a_504_with_its_place(
    client: Client, study: dict[str, str], runner: InlineRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.is_holding = True
    monkeypatch.setattr("dicomorph.http.resolver._RESERVE", 1e9)  # no time is left from the start
    answer = client.post(f"/studies/{study['ParentStudy']}/anonymize", {})
    assert answer.error == (504, 16)
    [job] = client.get("/jobs").json
    assert answer.headers["location"] == f"/jobs/{job}"
    assert client.get(f"/jobs/{job}").json["State"] == "Pending"


def test_a_failed_job_answers_its_error_without_details(client: Client, study: dict[str, str]) -> None:
    path = f"/studies/{study['ParentStudy']}"
    for key in client.backend.objects.keys("instances/"):
        next(client.folder.rglob(key.rsplit("/", 1)[-1])).write_bytes(b"no DICOM any more")
    answer = client.post(f"{path}/anonymize", {})
    assert answer.error[0] >= 400
    assert "Details" not in answer.json
    [job] = client.get("/jobs").json
    shown = client.get(f"/jobs/{job}").json
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
