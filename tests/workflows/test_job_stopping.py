"""Jobs that are cancelled or paused: what still runs of them does nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs.documents import outcomes_prefix, parts_prefix, read_outcome
from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import InexistentItemError, InternalError, StorageFullError, TransientError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import cancel_job, delete_job, pause_job, resume_job
from dicomorph.services.jobs.view import job_json
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work import job_watch
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.idle_runner import AwayRunner
from tests.support.jobs import Action, counts, outcome
from tests.workflows.embedded import Server
from tests.workflows.five_instances import CANCELLED, REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import before_each, failing, meddled


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_stopped_job_ignores_the_rest_of_its_workflow(server: Server, stop: Action, batches: int) -> None:
    source = study(server)
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    for number in range(batches):
        edit_batch(server.backend, job.id, number)
    stop(server.backend, job.id)
    stopped, stored = server.job(job.id), server.pins()
    for number in range(3):
        edit_batch(server.backend, job.id, number)
        edit_batch(server.backend, job.id, number, part=0)
    assert plan_job(server.backend, job.id) == 0
    finalize_job(server.backend, job.id)
    assert (server.job(job.id), server.pins()) == (stopped, stored)
    assert len(stored) == SOURCES + min(2 * batches, SOURCES)
    assert len(list(server.backend.index.catalogue.pins(Level.STUDY, source))) == SOURCES
    if stop is pause_job:
        abandon_job(server.backend, job.id)
        assert server.job(job.id) == stopped


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_worker_stops_between_two_instances_and_leaves_no_outcome(
    server: Server, stop: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    source = study(server)
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    edit_batch(meddled(server, 1, lambda: stop(server.backend, job.id)).backend, job.id, 0)
    assert len(server.pins()) == SOURCES + 1  # the one that was being written
    assert list(server.backend.objects.keys(outcomes_prefix(server.job(job.id)))) == []
    assert len(list(server.backend.objects.keys(parts_prefix(server.job(job.id))))) == 1
    check_files(server)
    assert job_json(server.backend, server.job(job.id))["Progress"] == 100 // (SOURCES + 2)


def test_of_a_batch_that_was_interrupted_only_what_was_made_is_recorded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    server = Server(
        replace(server.backend, planner_limits=PlannerLimits(batch_instances=5, small_job_instances=0))
    )
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)
    failing_first = meddled(server, 1, failing(StorageFullError()))
    edit_batch(meddled(failing_first, 3, lambda: pause_job(server.backend, job.id)).backend, job.id, 0)
    assert len(server.pins()) == SOURCES + 2
    assert len(list(server.backend.objects.keys(parts_prefix(server.job(job.id))))) == 2
    assert job_json(server.backend, server.job(job.id))["Progress"] == 100 * 2 // (SOURCES + 2)
    resume_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    check_files(server)


def test_an_instance_that_a_worker_of_its_own_has_told_of_is_not_edited_again(server: Server) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0, part=1)
    before = server.pins()
    assert len(before) == SOURCES + 1
    for study_id in {pin.ancestry.study for pin in before}:
        delete_resource(server.backend, Level.STUDY, study_id)  # of the sources, and of the product
    edit_batch(server.backend, job.id, 0, part=1)
    assert (server.pins(), server.files()) == ([], [])
    (key,) = server.backend.objects.keys(parts_prefix(server.job(job.id)))
    part = read_outcome(server.backend.objects.get(key), 0, 1)
    assert part is not None
    assert part.instances[0].product is not None, "as it was told first"


def test_a_batch_that_was_never_planned_is_an_error_of_the_server(server: Server) -> None:
    job = server.submit(study(server))
    batches = plan_job(server.backend, job.id)
    before = server.pins()
    with pytest.raises(InternalError, match="never planned"):
        edit_batch(server.backend, job.id, batches)
    assert server.pins() == before


def test_a_worker_that_cannot_look_goes_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    looks = [0]

    class Throttled:
        def get(self, job_id: str) -> Any:
            looks[0] += 1
            if looks[0] in (2, 3):  # the first one begins the batch, the last two end it
                raise TransientError
            return server.backend.jobs.get(job_id)

    jobs: Any = Throttled()
    edit_batch(replace(server.backend, jobs=jobs), job.id, 0)
    assert looks == [5]
    assert len(server.pins()) == SOURCES + 2
    assert len(list(server.backend.objects.keys(outcomes_prefix(server.job(job.id))))) == 1


def test_a_worker_leaves_no_document_of_a_job_that_was_forgotten_meanwhile(server: Server) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)

    def forget() -> None:
        cancel_job(server.backend, job.id)
        delete_job(server.backend, job.id)

    edit_batch(meddled(server, 1, forget).backend, job.id, 0)
    with pytest.raises(InexistentItemError):
        finalize_job(server.backend, job.id)
    assert list(server.backend.objects.keys("jobs/")) == []
    check_files(server)


def test_a_job_that_is_stopped_while_it_is_planned_is_planned_when_it_goes_on(server: Server) -> None:
    source = study(server)
    job = server.submit(source)

    index = before_each(server.backend.index, "find_many", lambda: pause_job(server.backend, job.id))
    assert plan_job(replace(server.backend, index=index), job.id) == 0
    server.upload(SOURCES + 1)
    resume_job(server.backend, job.id)
    assert plan_job(server.backend, job.id) == 0  # of the first execution
    assert server.job(job.id).state is JobState.PENDING
    assert counts(server.finish(job)) == (SOURCES + 1, 0)


def test_a_stopped_execution_that_cannot_be_reached_stops_by_itself(server: Server) -> None:
    job = server.submit(study(server), body=REPLACING)
    cancel_job(replace(server.backend, runner=AwayRunner()), job.id)
    assert outcome(server.finish(job)) == CANCELLED
    assert len(server.pins()) == SOURCES
