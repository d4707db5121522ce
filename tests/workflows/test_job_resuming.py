"""Paused jobs that go on where they stopped, in another execution."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import TransientError
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.work import job_watch
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.idle_runner import AwayRunner
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.embedded import Server, serve
from tests.workflows.five_instances import CANCELLED, REPLACING, SOURCES, check_files, in_state, study
from tests.workflows.meddling import meddled


@pytest.mark.parametrize("moment", range(1, SOURCES + 1))
@pytest.mark.parametrize("case", ["replacing", "in-place"])
def test_a_paused_job_goes_on_where_it_stopped(
    tmp_path: Path, moment: int, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    body = REPLACING if case == "replacing" else {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = server.submit(study(server), body=body)
    first = meddled(server, moment, lambda: pause_job(server.backend, job.id))
    first.finish(job)
    assert server.job(job.id).state is JobState.PAUSED
    resume_job(server.backend, job.id)
    written: list[int] = []
    done = meddled(server, 1, lambda: written.append(1)).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert len(server.pins()) == SOURCES
    assert bool(written) == (moment < SOURCES)  # nothing is edited twice
    check_files(server)


def test_a_batch_that_was_interrupted_is_not_edited_from_the_start(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    edit_batch(meddled(server, 1, lambda: pause_job(server.backend, job.id)).backend, job.id, 0)
    made = set(server.files())
    resume_job(server.backend, job.id)
    plan_job(server.backend, job.id, 2)
    again: list[int] = []
    # The first of two is there: only the second one is written.
    edit_batch(meddled(server, 2, lambda: again.append(1)).backend, job.id, 0)
    assert again == []
    assert made < set(server.files())
    assert counts(server.finish(job)) == (SOURCES, 0)


def test_tasks_of_an_earlier_execution_decide_nothing(server: Server) -> None:
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)
    pause_job(server.backend, job.id)
    resume_job(server.backend, job.id)
    plan_job(server.backend, job.id, 2)
    running = server.job(job.id)
    finalize_job(server.backend, job.id, 1)
    abandon_job(server.backend, job.id, 1)
    assert server.job(job.id) == running
    for number in range(3):
        edit_batch(server.backend, job.id, number)
    finalize_job(server.backend, job.id, 2)
    assert counts(server.job(job.id)) == (SOURCES, 0)


def test_a_job_that_cannot_be_started_again_is_what_it_was(server: Server) -> None:
    away = replace(server.backend, runner=AwayRunner())
    job = in_state(server, JobState.PAUSED, study(server))
    with pytest.raises(TransientError):
        resume_job(away, job.id)
    assert server.job(job.id).state is JobState.PAUSED
    assert plan_job(server.backend, job.id, 2) == 0  # started all the same, perhaps
    cancel_job(server.backend, job.id)
    cancelled = server.job(job.id)
    with pytest.raises(TransientError):
        resubmit_job(away, job.id)
    after = server.job(job.id)
    assert (outcome(after), after.completed) == (CANCELLED, cancelled.completed)
    resubmit_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert len(server.pins()) == SOURCES
