"""Jobs in worker processes that are cancelled or paused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from tests.local.machine import Machine, ended, until
from tests.support.jobs import Action, counts
from tests.workflows.embedded import Server


def done_batches(server: Server, job: Job) -> int:
    return sum("/outcomes/" in key for key in server.backend.objects.keys(f"jobs/{job.id}/"))


@pytest.mark.parametrize(("stop", "start"), [(pause_job, resume_job), (cancel_job, resubmit_job)])
def test_a_stopped_job_gives_its_workers_to_others_and_goes_on_later(
    machine: Machine, stored_study: str, tmp_path: Path, stop: Action, start: Action
) -> None:
    server = machine.start(("wait", "batch", {"batch": 1}, str(tmp_path / "go")))
    job = server.submit(stored_study, body={"KeepSource": False})
    until(lambda: done_batches(server, job) == 1)
    stop(server.backend, job.id)
    stopped = server.job(job.id)
    other = ended(server, server.submit(server.pins()[0].ancestry.instance))
    assert counts(other) == (1, 0)
    assert server.job(job.id) == stopped
    assert len(list(server.backend.index.catalogue.pins(Level.STUDY, stored_study))) == 30
    (tmp_path / "go").touch()
    start(server.backend, job.id)
    done = ended(server, job)
    assert (done.state, counts(done), done.execution) == (JobState.SUCCESS, (30, 0), 2)
    assert len(server.pins()) == 31


def test_a_job_that_is_stopped_before_its_turn_never_runs(
    machine: Machine, stored_study: str, tmp_path: Path
) -> None:
    server = machine.start(("wait", "plan", {}, str(tmp_path / "go")))
    first, second = server.submit(stored_study), server.submit(stored_study)  # as many as run at once
    cancelled, paused = server.submit(stored_study), server.submit(stored_study)
    cancel_job(server.backend, cancelled.id)
    pause_job(server.backend, paused.id)
    (tmp_path / "go").touch()
    for job in (first, second):
        assert counts(ended(server, job)) == (30, 0)
    last = server.submit(stored_study)
    assert counts(ended(server, last)) == (30, 0)
    assert server.job(cancelled.id).error_code == 37
    assert server.job(paused.id).state is JobState.PAUSED
    assert len(server.pins()) == 30 * 4
    assert not list(server.backend.objects.keys(f"jobs/{cancelled.id}/batches/"))


@pytest.mark.parametrize("stop", [pause_job, cancel_job])
def test_the_next_run_leaves_stopped_jobs_alone(machine: Machine, stored_study: str, stop: Action) -> None:
    job = machine.server.submit(stored_study)
    stop(machine.server.backend, job.id)
    stopped = machine.server.job(job.id)
    server = machine.start()
    assert counts(ended(server, server.submit(stored_study))) == (30, 0)
    assert server.job(job.id) == stopped
    if stop is pause_job:
        resume_job(server.backend, job.id)
        assert counts(ended(server, job)) == (30, 0)
        assert len(server.pins()) == 90
