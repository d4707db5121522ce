"""What the steps of a job leave behind, on files and SQLite."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import (
    BadRequestError,
    DicomorphError,
    NotImplementedYetError,
    StaleEpochError,
    StorageFullError,
    TransientError,
    UnknownResourceError,
)
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.delete_resource import delete_resource
from dicomorph.services.edit_batch import edit_batch
from dicomorph.services.finalize_job import abandon_job, finalize_job
from dicomorph.services.job_history import listed_jobs
from dicomorph.services.plan_job import plan_job
from dicomorph.services.wait_for_job import wait_for_job
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server, serve

IN_PLACE = {"Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"], "Force": True}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return serve(tmp_path / "data")


@pytest.fixture
def overwriting(tmp_path: Path) -> Server:
    return serve(tmp_path / "overwriting", overwrite_instances=OverwriteInstances.ALWAYS)


def counts(job: Job) -> tuple[object, object]:
    return job.content["InstancesCount"], job.content["FailedInstancesCount"]


def metadata(server: Server, level: Level, resource_id: str) -> dict[str, str]:
    resource = server.backend.index.get(level, resource_id)
    assert resource is not None
    return {name: value.value for name, value in resource.metadata.items()}


# ------------------------------------------------------------------ submission


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"KeepLabels": 1}, 15),
        ({"KeepSource": "no"}, 15),
        ({"Transcode": None}, 15),
        ({"Transcode": "1.2.3"}, 15),
        ({"Synchronous": "yes"}, 15),
        ({"Asynchronous": 1}, 15),
        ({"Priority": 1.5}, 15),
        ({"Priority": True}, 15),
        ({"Permissive": 0}, 15),
        ({"Remove": "PatientName", "KeepSource": 1}, 8),
        ({"KeepSource": 1, "Transcode": 1, "Priority": "x"}, 15),
    ],
)
def test_a_bad_option_leaves_nothing(server: Server, body: dict[str, Any], code: int) -> None:
    study = server.upload()["ParentStudy"]
    with pytest.raises(DicomorphError) as caught:
        server.submit(study, body=body)
    assert caught.value.code == code
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []


def test_transcoding_is_refused(server: Server) -> None:
    with pytest.raises(NotImplementedYetError):
        server.submit(server.upload()["ParentStudy"], body={"Transcode": "1.2.840.10008.1.2.4.80"})


def test_unknown_resources_are_found_after_the_options_and_before_priority(server: Server) -> None:
    with pytest.raises(UnknownResourceError):
        server.submit("nope", body={"Priority": "x"})


@pytest.mark.parametrize("anonymize", [False, True])
def test_a_refused_request_draws_no_name(server: Server, anonymize: bool) -> None:  # noqa: FBT001
    study = server.upload()["ParentStudy"]
    with pytest.raises(BadRequestError):
        server.submit(study, body={"Priority": "x"}, anonymize=anonymize)
    server.run(study, anonymize=True)
    assert "Anonymized1" in {str(server.read(pin).PatientName) for pin in server.pins()}


def test_editing_in_place_needs_overwriting_above_series(server: Server, overwriting: Server) -> None:
    answer = server.upload()
    for level, anonymize in ((Level.STUDY, False), (Level.PATIENT, False), (Level.SERIES, True)):
        with pytest.raises(BadRequestError):
            server.submit(answer["ParentStudy"], body=IN_PLACE, level=level, anonymize=anonymize)
    assert counts(server.run(answer["ParentSeries"], body=IN_PLACE, level=Level.SERIES)) == (1, 0)
    overwriting.upload()
    assert counts(overwriting.run(answer["ParentStudy"], body=IN_PLACE)) == (1, 0)


@pytest.mark.parametrize("level", [Level.SERIES, Level.STUDY, Level.PATIENT])
def test_editing_in_place_never_deletes_sources(overwriting: Server, level: Level) -> None:
    study = overwriting.upload()["ParentStudy"]
    with pytest.raises(BadRequestError):
        overwriting.submit(study, body={**IN_PLACE, "KeepSource": False}, level=level)


def test_a_job_that_cannot_be_started_is_forgotten(server: Server) -> None:
    class Away(IdleRunner):
        def start(self, job: Job) -> None:
            raise TransientError(job.id)

    study = server.upload()["ParentStudy"]
    with pytest.raises(TransientError):
        Server(replace(server.backend, runner=Away())).submit(study)
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []


# ------------------------------------------------------------------ products


def test_products_say_where_they_come_from(server: Server) -> None:
    source = server.upload()
    job = server.run(source["ParentStudy"])
    study = str(job.content["ID"])
    [pin] = server.backend.index.pins(Level.STUDY, study)
    instance = metadata(server, Level.INSTANCE, pin.ancestry.instance)
    assert instance["ModifiedFrom"] == source["ID"]
    assert (instance["Origin"], instance["RemoteIP"], instance["HttpUsername"]) == (
        "RestApi",
        "192.0.2.7",
        "alice",
    )
    assert instance["RemoteAET"] == ""
    assert instance["ReceptionDate"] == job.created[:19].replace("-", "").replace(":", "")
    series = metadata(server, Level.SERIES, pin.ancestry.series)
    assert (series["ModifiedFrom"], series["RemoteAET"]) == (source["ParentSeries"], "")
    assert metadata(server, Level.STUDY, study)["ModifiedFrom"] == source["ParentStudy"]
    # The patient is the same: it was not made from anything.
    assert "ModifiedFrom" not in metadata(server, Level.PATIENT, pin.ancestry.patient)


def test_anonymized_products_have_a_new_patient(server: Server) -> None:
    source = server.upload()
    job = server.run(source["ParentSeries"], level=Level.SERIES, anonymize=True)
    assert (job.content["Type"], job.content["Path"]) == ("Series", f"/series/{job.content['ID']}")
    patient = str(job.content["PatientID"])
    assert metadata(server, Level.PATIENT, patient)["AnonymizedFrom"] == source["ParentPatient"]


def test_the_level_of_the_route_need_not_be_that_of_the_resource(server: Server) -> None:
    source = server.upload()
    server.upload(number=2)
    job = server.run(source["ID"], level=Level.STUDY)
    assert counts(job) == (1, 0)
    assert job.content["Resources"] == [{"ID": source["ID"], "Type": "Instance"}]
    assert job.content["Type"] == "Study"


def test_labels_are_kept_if_asked_for(server: Server) -> None:
    source = server.upload()
    index = server.backend.index
    index.set_labels(Level.STUDY, source["ParentStudy"], add=frozenset({"study"}), remove=frozenset())
    index.set_labels(Level.INSTANCE, source["ID"], add=frozenset({"instance"}), remove=frozenset())
    for keep in (False, True):
        job = server.run(source["ParentStudy"], body={"KeepLabels": keep})
        study = index.get(Level.STUDY, str(job.content["ID"]))
        [pin] = index.pins(Level.STUDY, str(job.content["ID"]))
        instance = index.get(Level.INSTANCE, pin.ancestry.instance)
        assert study is not None
        assert instance is not None
        assert study.labels == (frozenset({"study"}) if keep else frozenset())
        assert instance.labels == (frozenset({"instance"}) if keep else frozenset())


def test_main_tags_of_parents_that_exist_follow(server: Server) -> None:
    source = server.upload()
    assert server.run(source["ParentStudy"], body={"Replace": {"PatientName": "New^Name"}}).error_code == 0
    patient = server.backend.index.get(Level.PATIENT, source["ParentPatient"])
    assert patient is not None
    assert patient.main_tags["0010,0010"] == "New^Name"


# ------------------------------------------------------------------ sources


def test_sources_are_deleted_with_their_files(server: Server) -> None:
    source = server.upload()
    server.upload(number=2)
    server.upload(number=3)
    job = server.run(source["ParentStudy"], body={"KeepSource": False})
    assert counts(job) == (3, 0)
    assert {pin.ancestry.study for pin in server.pins()} == {job.content["ID"]}
    assert server.files() == sorted(pin.object.key for pin in server.pins())


def test_editing_in_place_replaces_the_files(overwriting: Server) -> None:
    source = overwriting.upload()
    overwriting.upload(number=2)
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = overwriting.run(source["ParentStudy"], body=body)
    assert (counts(job), job.content["ID"]) == ((2, 0), source["ParentStudy"])
    assert {overwriting.read(pin).StudyDescription for pin in overwriting.pins()} == {"New"}
    assert overwriting.files() == sorted(pin.object.key for pin in overwriting.pins())


def test_a_product_that_the_index_does_not_take_leaves_no_file(server: Server) -> None:
    series = server.upload()["ParentSeries"]
    before = server.pins(), server.files()
    assert counts(server.run(series, body=IN_PLACE, level=Level.SERIES)) == (1, 0)
    assert (server.pins(), server.files()) == before


def test_sources_that_would_become_one_product_are_refused(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    server.upload(number=2)
    body = {"Replace": {"SOPInstanceUID": "9.8.7"}, "Force": True, "KeepSource": False}
    before = server.pins(), server.files()
    job = server.run(study, body=body)
    assert (job.state, job.error_code) == (JobState.FAILURE, 8)
    assert (server.pins(), server.files()) == before


@pytest.mark.parametrize("name", ["server", "overwriting"])
def test_sources_that_became_one_product_are_kept(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Should a plan ever let them through, the end of the job sees it.
    monkeypatch.setattr("dicomorph.services.plan_job.check_products", lambda *_: None)
    server: Server = request.getfixturevalue(name)
    study = server.upload()["ParentStudy"]
    for number in (2, 3):
        server.upload(number=number)
    body = {"Replace": {"SOPInstanceUID": "9.8.7"}, "Force": True, "KeepSource": False}
    job = server.submit(study, body=body)
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    server.finish(job)
    assert len(server.pins()) == 4
    assert server.files() == sorted(pin.object.key for pin in server.pins())
    for pin in server.pins():
        assert pin.object.size == len(server.backend.objects.get(pin.object.key) or b"")
        server.read(pin)


def test_a_delete_during_a_job_cannot_break_it(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    server.upload(number=2)
    server.upload(number=3)
    job = server.submit(study, body={"KeepSource": False})
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0)
    delete_resource(server.backend, Level.STUDY, study)
    assert counts(server.finish(job)) == (3, 0)
    assert len(server.pins()) == 3
    assert server.files() == sorted(pin.object.key for pin in server.pins())


def test_a_resource_that_vanishes_before_the_plan_fails_the_job(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    job = server.submit(study)
    delete_resource(server.backend, Level.STUDY, study)
    assert plan_job(server.backend, job.id) == 0
    finalize_job(server.backend, job.id)
    done = server.job(job.id)
    assert (done.state, done.error_code) == (JobState.FAILURE, 17)


# ------------------------------------------------------------------ failures


def full(server: Server, *, after: int, error: DicomorphError | Exception) -> Server:
    """Return a server whose store fails from the nth product on, for one product."""
    left = [after]

    class Objects:
        def __getattr__(self, name: str) -> Any:
            return getattr(server.backend.objects, name)

        def put(self, key: str, data: bytes) -> Any:
            if key.startswith("instances/"):
                left[0] -= 1
                if left[0] == -1:
                    raise error
            return server.backend.objects.put(key, data)

    objects: Any = Objects()
    return Server(replace(server.backend, objects=objects))


@pytest.mark.parametrize(
    ("error", "code"), [(StorageFullError(), StorageFullError.code), (ValueError("Doe^Jane"), -1)]
)
def test_an_instance_that_fails_is_counted(server: Server, error: Exception, code: int) -> None:
    study = server.upload()["ParentStudy"]
    for number in (2, 3):
        server.upload(number=number)
    job = full(server, after=1, error=error).run(study, body={"KeepSource": False})
    assert (job.state, job.error_code, counts(job)) == (JobState.FAILURE, code, (3, 1))
    assert "Doe" not in job.error_details
    assert len(server.pins()) == 5


@pytest.mark.parametrize("error", [TransientError(), StaleEpochError()])
def test_what_concerns_the_whole_batch_is_no_outcome(server: Server, error: Exception) -> None:
    study = server.upload()["ParentStudy"]
    job = server.submit(study)
    plan_job(server.backend, job.id)
    with pytest.raises(type(error)):
        edit_batch(full(server, after=0, error=error).backend, job.id, 0)
    assert counts(server.finish(job)) == (1, 0)


def test_a_batch_without_an_outcome_is_failed_instances(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    for number in (2, 3):
        server.upload(number=number)
    job = server.submit(study, body={"KeepSource": False})
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0, part=1)
    finalize_job(server.backend, job.id)
    done = server.job(job.id)
    assert (done.state, done.error_code, counts(done)) == (JobState.FAILURE, -1, (3, 2))
    assert len(server.pins()) == 4


def test_an_abandoned_job_has_failed_unless_it_ended_before(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    job = server.submit(study)
    abandon_job(server.backend, job.id)
    assert (server.job(job.id).state, server.job(job.id).error_code) == (JobState.FAILURE, -1)
    assert server.finish(job).content.get("ID") is None
    done = server.run(study)
    abandon_job(server.backend, done.id)
    assert server.job(done.id) == done
    abandon_job(server.backend, "unknown")


def later(server: Server, **delta: float) -> Server:
    now = server.backend.now
    return Server(replace(server.backend, now=lambda: now() + timedelta(**delta)))


def test_old_jobs_are_forgotten_with_their_documents(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", jobs_history_size=2)
    study = server.upload()["ParentStudy"]
    jobs = [later(server, hours=number).run(study).id for number in range(4)]
    assert [job.id for job in server.backend.jobs.all()] == jobs[2:]
    assert {key.split("/")[1] for key in server.backend.objects.keys("jobs/")} == set(jobs[2:])


@pytest.mark.parametrize("size", [0, 2])
def test_a_job_that_has_just_ended_can_be_waited_for_however_short_the_history_is(
    tmp_path: Path, size: int
) -> None:
    server = serve(tmp_path / "data", jobs_history_size=size)
    study = server.upload()["ParentStudy"]
    jobs = [server.run(study) for _ in range(4)]
    shown = [job.id for job in listed_jobs(server.backend)]
    assert shown == sorted(job.id for job in jobs[4 - size :])
    for job in jobs:
        assert wait_for_job(server.backend, job.id, seconds=0) == job
