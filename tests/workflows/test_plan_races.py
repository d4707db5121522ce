"""Planners that run at once, or are stopped amid their work: one plan counts, and nothing is mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs.documents import batch_key, manifest_key, read_batch
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import InexistentItemError, TransientError
from dicomorph.model.resources import Level, Pin
from dicomorph.services.jobs.actions import cancel_job, delete_job, pause_job, resume_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.moved_sources import moved_sources
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts
from tests.workflows.embedded import Server
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import Event, before_nth, failing


def while_batches_are_written(server: Server, nth: int, event: Event) -> Server:
    """Return a server in which something happens before the nth batch of a plan is written."""
    objects = before_nth(server.backend.objects, "put", nth, event, counts=lambda key, _: "/batches/" in key)
    return Server(replace(server.backend, objects=objects))


def plan_documents(server: Server, job: Job) -> list[str]:
    """Return the keys of what a planner has written."""
    keys = server.backend.objects.keys(f"jobs/{job.id}/")
    return [key for key in keys if not key.endswith("request.json")]


def planned(server: Server, job: Job) -> list[Pin]:
    """Return the sources of the plan that counts."""
    found: list[Pin] = []
    newest = server.job(job.id)
    for number in range(newest.batches):
        batch = read_batch(server.backend.objects.get(batch_key(newest, number)), number)
        assert batch is not None
        found += batch.pins
    return found


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("overtake", ["by another invocation", "by another execution"])
def test_of_two_planners_the_first_one_to_be_done_counts(
    server: Server, nth: int, overtake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.work.job_watch.SECONDS", 0)
    source = study(server)
    job = server.submit(source, body=REPLACING)
    execution = 1

    def another() -> None:
        nonlocal execution
        server.upload(SOURCES + 1)  # so the plans differ, whatever comes first among their sources
        delete_resource(server.backend, Level.INSTANCE, server.pins()[0].ancestry.instance)
        if overtake == "by another execution":
            pause_job(server.backend, job.id)
            resume_job(server.backend, job.id)
            execution = 2
        assert plan_job(server.backend, job.id, execution) == 3

    assert plan_job(while_batches_are_written(server, nth, another).backend, job.id) == (
        3 if execution == 1 else 0
    )
    pins = planned(server, job)
    assert sorted(pins, key=str) == sorted(server.pins(), key=str)  # those of the one who was faster
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    assert {pin.ancestry.study for pin in server.pins()} == {done.content["ID"]}
    check_files(server)


def test_a_planner_that_fails_late_does_not_end_a_job_that_another_one_planned(server: Server) -> None:
    source = study(server)
    job = server.submit(source, body=REPLACING)

    def plan_and_delete() -> None:
        plan_job(server.backend, job.id)
        delete_resource(server.backend, Level.STUDY, source)

    index = before_nth(server.backend.index, "find_many", 1, plan_and_delete)
    assert plan_job(replace(server.backend, index=index), job.id) == 3
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    check_files(server)


def test_a_planner_that_is_late_changes_no_job_that_has_ended(server: Server) -> None:
    job = server.submit(study(server))
    ended: list[Job] = []
    late = while_batches_are_written(server, 2, lambda: ended.append(server.finish(job)))
    assert plan_job(late.backend, job.id) == 0
    assert [server.job(job.id)] == ended
    assert counts(ended[0]) == (SOURCES, 0)


@pytest.mark.parametrize("stop", [pause_job, cancel_job])
def test_a_planner_stops_between_two_batches(
    server: Server, stop: Callable[[Any, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.work.job_watch.SECONDS", 0)
    job = server.submit(study(server))
    before = before_nth(server.backend.index, "pins_of", 2, lambda: stop(server.backend, job.id))
    assert plan_job(replace(server.backend, index=before), job.id) == 0
    assert sum("/batches/" in key for key in server.backend.objects.keys(f"jobs/{job.id}/")) == 1
    assert server.job(job.id).plan == ""


def test_a_planner_leaves_nothing_of_a_job_that_is_forgotten(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.work.job_watch.SECONDS", 0)
    job = server.submit(study(server))

    def forget() -> None:
        cancel_job(server.backend, job.id)
        delete_job(server.backend, job.id)

    before = before_nth(server.backend.index, "pins_of", 2, forget)
    with pytest.raises(InexistentItemError):
        plan_job(replace(server.backend, index=before), job.id)
    assert list(server.backend.objects.keys("jobs/")) == []


def test_a_plan_whose_documents_are_lost_is_made_again(server: Server) -> None:
    # A power cut may keep the record and lose the documents of a job that keeps its sources.
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    lost = server.job(job.id).plan
    keys = plan_documents(server, job)
    server.backend.objects.discard([replace(server.pins()[0].object, key=key) for key in keys], pinned=False)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    assert done.plan != lost


@pytest.mark.parametrize("lost", range(5))
def test_a_plan_counts_only_as_long_as_all_of_it_is_there(server: Server, lost: int) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    before = server.job(job.id).plan
    keys = sorted(plan_documents(server, job))
    assert len(keys) == 5, "three batches, their manifest and the list that references need"
    server.backend.objects.discard([replace(server.pins()[0].object, key=keys[lost])], pinned=False)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    assert done.plan != before


def test_a_planner_of_an_earlier_execution_makes_no_plan_for_a_later_one(server: Server) -> None:
    job = server.submit(study(server))
    for execution in (1, 2):
        away = before_nth(server.backend.index, "find_many", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            plan_job(replace(server.backend, index=away), job.id, execution)
        if execution == 1:
            pause_job(server.backend, job.id)
            resume_job(server.backend, job.id)
    assert server.job(job.id).state is JobState.RUNNING
    assert plan_job(server.backend, job.id, 1) == 0
    assert (server.job(job.id).plan, plan_documents(server, job)) == ("", [])
    assert plan_job(server.backend, job.id, 2) == 3


def test_a_planner_writes_nothing_of_a_job_that_was_stopped_while_it_looked_for_the_sources(
    server: Server,
) -> None:
    job = server.submit(study(server))
    index = before_nth(server.backend.index, "find_many", 1, lambda: pause_job(server.backend, job.id))
    assert plan_job(replace(server.backend, index=index), job.id) == 0
    assert plan_documents(server, job) == []


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 5])
def test_references_find_all_instances_however_many_are_packed_together(
    server: Server, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    whole = moved_sources(server.backend, server.job(job.id))
    key = manifest_key(server.job(job.id))
    server.backend.objects.discard([replace(server.pins()[0].object, key=key)], pinned=False)
    monkeypatch.setattr("dicomorph.services.work.pack_sources._AT_ONCE", at_once)
    plan_job(server.backend, job.id)
    assert manifest_key(server.job(job.id)) != key
    assert moved_sources(server.backend, server.job(job.id)) == whole
