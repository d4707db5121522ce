"""An action and a step of one job at the same time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import JobEndsError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import Action, counts, outcome
from tests.workflows.crashes import CrashError
from tests.workflows.embedded import Server
from tests.workflows.five_instances import CANCELLED, REPLACING, SOURCES, check_files, edited, study
from tests.workflows.meddling import before_each, before_nth, failing


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_job_whose_sources_go_is_not_stopped_and_says_so(server: Server, stop: Action) -> None:
    job = server.submit(study(server), body=REPLACING)

    def ask() -> None:
        with pytest.raises(JobEndsError):
            stop(server.backend, job.id)

    index = before_each(server.backend.index, "remove_instances", ask)
    done = Server(replace(server.backend, index=index)).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert len(server.pins()) == SOURCES


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_job_whose_machine_died_while_its_sources_went_can_only_go_on(server: Server, stop: Action) -> None:
    source = study(server)
    job = server.submit(source, body=REPLACING)
    index = before_nth(server.backend.index, "remove_instances", 1, failing(CrashError()))
    with pytest.raises(CrashError):
        Server(replace(server.backend, index=index)).finish(job)
    with pytest.raises(JobEndsError):
        stop(server.backend, job.id)
    assert outcome(server.finish(job)) == (JobState.SUCCESS, 0)
    assert len(server.pins()) == SOURCES
    check_files(server)


@pytest.mark.parametrize(("stop", "again"), [(cancel_job, resubmit_job), (pause_job, resume_job)])
@pytest.mark.parametrize(
    ("port", "call", "nth"),
    [("index", "refresh", 1), ("index", "sync", 1), ("index", "pins_of", 3), ("objects", "are_stored", 3)],
)
def test_it_is_not_too_late_while_all_that_is_to_go_is_looked_at(
    server: Server, stop: Action, again: Action, port: str, call: str, nth: int
) -> None:
    job = edited(server, study(server))
    watched: Any = before_nth(getattr(server.backend, port), call, nth, lambda: stop(server.backend, job.id))
    finalize_job(replace(server.backend, **{port: watched}), job.id)
    assert server.job(job.id).state is (JobState.FAILURE if stop is cancel_job else JobState.PAUSED)
    assert len(server.pins()) == 2 * SOURCES
    again(server.backend, job.id)
    assert outcome(server.finish(job)) == (JobState.SUCCESS, 0)
    assert len(server.pins()) == SOURCES
    check_files(server)


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_job_that_removes_nothing_after_all_is_stopped_until_it_has_ended(
    server: Server, stop: Action
) -> None:
    source = study(server)
    job = edited(server, source)
    product = next(pin.ancestry for pin in server.pins() if pin.ancestry.study != source)
    delete_resource(server.backend, Level.INSTANCE, product.instance)  # so all sources stay
    jobs = before_nth(server.backend.jobs, "update", 1, lambda: stop(server.backend, job.id))
    finalize_job(replace(server.backend, jobs=jobs), job.id)
    assert server.job(job.id).state is (JobState.FAILURE if stop is cancel_job else JobState.PAUSED)
    assert len(server.pins()) == 2 * SOURCES - 1


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
@pytest.mark.parametrize("call", ["get", "update"])
def test_a_job_that_ends_while_it_is_stopped_has_ended_and_says_so(
    server: Server, stop: Action, call: str
) -> None:
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)
    # The first look at the record is over.
    nth = 2 if call == "get" else 1
    jobs = before_nth(server.backend.jobs, call, nth, lambda: server.finish(job))
    with pytest.raises(JobEndsError):
        stop(replace(server.backend, jobs=jobs), job.id)
    assert (outcome(server.job(job.id)), len(server.pins())) == ((JobState.SUCCESS, 0), SOURCES)


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        (cancel_job, cancel_job, nullcontext()),
        (pause_job, pause_job, nullcontext()),
        (pause_job, cancel_job, nullcontext()),
        (cancel_job, pause_job, pytest.raises(JobEndsError)),
    ],
)
def test_of_two_clients_who_stop_a_job_each_is_told_the_truth(
    server: Server, first: Action, second: Action, answer: AbstractContextManager[object]
) -> None:
    job = server.submit(study(server), body=REPLACING)
    jobs = before_nth(server.backend.jobs, "update", 1, lambda: first(server.backend, job.id))
    with answer:
        second(replace(server.backend, jobs=jobs), job.id)
    paused = first is second is pause_job
    assert outcome(server.job(job.id)) == ((JobState.PAUSED, 0) if paused else CANCELLED)


@pytest.mark.parametrize("nth", range(1, 6))
def test_whoever_updates_the_record_first_decides(server: Server, nth: int) -> None:
    job = server.submit(study(server), body=REPLACING)
    refusals: list[str] = []

    def ask() -> None:
        try:
            cancel_job(server.backend, job.id)
        except JobEndsError as error:
            refusals.append(error.details)

    jobs = before_nth(server.backend.jobs, "update", nth, ask)
    done = Server(replace(server.backend, jobs=jobs)).finish(job)
    left = len(list(server.backend.index.catalogue.pins(Level.STUDY, str(job.content["ParentResources"][0]))))  # type: ignore[index]
    assert (outcome(done), left) in (((JobState.SUCCESS, 0), 0), (CANCELLED, SOURCES))
    assert (done.state is JobState.SUCCESS) == (nth > 3)  # begun, planned, ending: until then
    assert len(refusals) == (nth == 4)  # the fifth is never written
    check_files(server)
