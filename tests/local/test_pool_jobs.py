"""Whole jobs in worker processes that die."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.embedded.backend import begin_epoch
from dicomorph.embedded.jobs.pool import WorkerSpec
from dicomorph.embedded.jobs.runner import LocalRunner
from dicomorph.jobs.model import JobState
from dicomorph.model.errors import InternalError, StaleEpochError
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.work.plan_job import plan_job
from tests.local.machine import Machine, ended
from tests.support.jobs import counts
from tests.workflows.embedded import Server


def test_a_job_runs_in_worker_processes(machine: Machine, stored_study: str) -> None:
    server = machine.start()
    job = ended(server, server.submit(stored_study, anonymize=True))
    assert (job.state, counts(job), job.batches) == (JobState.SUCCESS, (30, 0), 2)
    assert len(server.pins()) == 60


@pytest.mark.parametrize("kind", ["plan", "batch", "finalize"])
def test_a_worker_that_dies_once_costs_nothing(
    machine: Machine, stored_study: str, tmp_path: Path, kind: str
) -> None:
    server = machine.start(("die-once", kind, {}, str(tmp_path / "died")))
    job = ended(server, server.submit(stored_study, body={"KeepSource": False}))
    assert (tmp_path / "died").exists()
    assert (job.state, counts(job)) == (JobState.SUCCESS, (30, 0))
    assert len(server.pins()) == 30


def test_an_instance_that_kills_its_worker_fails_alone(machine: Machine, stored_study: str) -> None:
    server = machine.start(
        ("die", "batch", {"batch": 1, "part": -1}, ""), ("die", "batch", {"batch": 1, "part": 3}, "")
    )
    poisoned = server.submit(stored_study, body={"Permissive": True})
    healthy = server.submit(machine.server.pins()[0].ancestry.instance)
    job = ended(server, poisoned)
    assert (job.state, counts(job)) == (JobState.SUCCESS, (30, 1))
    assert counts(ended(server, healthy)) == (1, 0)
    assert len(server.pins()) == 30 + 29 + 1


@pytest.mark.parametrize("kind", ["plan", "finalize"])
def test_a_step_that_always_dies_fails_the_job(machine: Machine, stored_study: str, kind: str) -> None:
    server = machine.start(("die", kind, {}, ""))
    job = ended(server, server.submit(stored_study, body={"KeepSource": False}))
    assert (job.state, job.error_code) == (JobState.FAILURE, -1)
    assert len(list(server.backend.index.catalogue.pins(Level.STUDY, stored_study))) == 30


def test_the_next_run_resumes_what_the_last_one_left(machine: Machine, stored_study: str) -> None:
    pending = machine.server.submit(stored_study)
    running = machine.server.submit(stored_study)
    plan_job(machine.server.backend, running.id)
    server = machine.start()
    for job in (pending, running):
        assert counts(ended(server, job)) == (30, 0)
    assert len(server.pins()) == 90


def test_what_waited_goes_on_in_its_turn_behind_what_ran(machine: Machine, stored_study: str) -> None:
    machine.settings = Settings(concurrent_jobs=1)
    backend = machine.server.backend
    resumed, resubmitted, oldest, forgotten, newest, running = (
        machine.server.submit(stored_study) for _ in range(6)
    )
    urgent = machine.server.submit(stored_study, body={"Priority": 1})
    pause_job(backend, resumed.id)
    resume_job(backend, resumed.id)
    cancel_job(backend, resubmitted.id)
    resubmit_job(backend, resubmitted.id)
    cancel_job(backend, forgotten.id)
    plan_job(backend, running.id)
    server = machine.start()
    expected = [running, urgent, oldest, newest, resumed, resubmitted]
    done = [ended(server, job) for job in expected]
    assert [counts(job) for job in done] == [(30, 0)] * 6
    assert sorted(done, key=lambda job: job.completed) == done
    assert server.job(forgotten.id).state is JobState.FAILURE


def test_starting_twice_runs_once(machine: Machine, stored_study: str) -> None:
    server = machine.start()
    job = server.submit(stored_study)
    for _ in range(3):
        server.backend.runner.start(job)
    done = ended(server, job)
    server.backend.runner.start(job)
    assert (counts(done), server.job(job.id)) == ((30, 0), done)


@pytest.mark.parametrize(("setting", "most"), [(1, 1), (None, 2), (0, 2)])
def test_no_more_jobs_run_at_once_than_the_setting_says(
    machine: Machine, stored_study: str, setting: int | None, most: int
) -> None:
    machine.settings = Settings(concurrent_jobs=setting)
    server = machine.start()
    ids = {server.submit(stored_study, anonymize=True).id for _ in range(4)}
    running, done = [0], 0
    while done < len(ids):
        states = [job.state for job in server.backend.jobs.all()]
        running.append(states.count(JobState.RUNNING))
        done = states.count(JobState.SUCCESS)
    assert max(running) <= most


def test_jobs_do_not_start_before_the_last_ones_are_recovered(machine: Machine, stored_study: str) -> None:
    runner = LocalRunner(WorkerSpec((sys.executable, "-c", ""), {}), workers=1)
    with pytest.raises(InternalError):
        Server(replace(machine.server.backend, runner=runner)).submit(stored_study)
    runner.close()
    assert machine.server.backend.jobs.all() == []


def test_a_worker_of_an_earlier_run_writes_nothing(machine: Machine, stored_study: str) -> None:
    old = machine.start()
    begin_epoch(machine.folder)
    with pytest.raises(StaleEpochError):
        old.submit(stored_study)
    assert machine.server.backend.jobs.all() == []
