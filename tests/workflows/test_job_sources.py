"""What becomes of the sources of a job, and of their files."""

from __future__ import annotations

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.resources import Level
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.embedded import Server


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
    monkeypatch.setattr("dicomorph.services.work.plan_job.check_products", lambda *_: None)
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
