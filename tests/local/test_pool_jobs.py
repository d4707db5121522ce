"""Whole jobs in worker processes that die."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dicomorph import bootstrap
from dicomorph.jobs.base import JobRecords
from dicomorph.jobs.documents import outcomes_prefix
from dicomorph.jobs.local import LocalRunner
from dicomorph.jobs.local_pool import WorkerSpec
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InternalError, StaleEpochError, StorageFullError
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from dicomorph.services.job_actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.job_view import job_json
from dicomorph.services.plan_job import plan_job
from dicomorph.services.wait_for_job import wait_for_job
from local.worker import worker_spec
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server

WORKER = str(Path(__file__).with_name("poisoned_worker.py"))


Action = Callable[[Any, str], None]
Poison = tuple[str, str, dict[str, int], str]
"""What a worker does, at which kind of task, with which event, and the marker that tells more."""


class FullRecords:
    """The records of a server that finds no space for changes until somebody makes some."""

    def __init__(self) -> None:
        self.jobs: Any = None
        self.is_full = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.jobs, name)

    def update(self, job: Job) -> Any:
        if self.is_full:
            raise StorageFullError
        return self.jobs.update(job)


class Machine:
    """A server without HTTP on one folder, begun anew with each `start`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runners: list[LocalRunner] = []
        self.server = self._server(None, IdleRunner())

    def start(self, *poisons: Poison, full: FullRecords | None = None) -> Server:
        """Begin a new run, in which workers do as told at some tasks."""
        epoch = bootstrap.begin_epoch(self.folder)
        setup = worker_spec(self.folder, {}, epoch=epoch).setup
        spec = WorkerSpec((sys.executable, WORKER), {"server": setup, "poisons": poisons})
        runner = LocalRunner(spec, workers=2)
        self._runners.append(runner)
        self.server = self._server(epoch, runner)
        if full is not None:
            full.jobs, jobs = self.server.backend.jobs, cast("JobRecords", full)
            self.server = Server(replace(self.server.backend, jobs=jobs))
        runner.recover(self.server.backend)
        return self.server

    def stop(self) -> None:
        """End all workers."""
        for runner in self._runners:
            runner.close()

    def _server(self, epoch: int | None, runner: Any) -> Server:
        return Server(bootstrap.embedded_backend(self.folder, Settings(), epoch=epoch, runner=runner))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "data").mkdir()
    machine = Machine(tmp_path / "data")
    yield machine
    machine.stop()


@pytest.fixture
def study(machine: Machine) -> str:
    """A study of 30 instances: two batches."""
    (found,) = {str(machine.server.upload(number)["ParentStudy"]) for number in range(1, 31)}
    return found


def ended(server: Server, job: Job) -> Job:
    try:
        return wait_for_job(server.backend, job.id, seconds=60)
    except DicomorphError:
        return server.job(job.id)


def counts(job: Job) -> tuple[object, object]:
    return job.content["InstancesCount"], job.content["FailedInstancesCount"]


def test_a_job_runs_in_worker_processes(machine: Machine, study: str) -> None:
    server = machine.start()
    job = ended(server, server.submit(study, anonymize=True))
    assert (job.state, counts(job), job.batches) == (JobState.SUCCESS, (30, 0), 2)
    assert len(server.pins()) == 60


@pytest.mark.parametrize("kind", ["plan", "batch", "finalize"])
def test_a_worker_that_dies_once_costs_nothing(
    machine: Machine, study: str, tmp_path: Path, kind: str
) -> None:
    server = machine.start(("die-once", kind, {}, str(tmp_path / "died")))
    job = ended(server, server.submit(study, body={"KeepSource": False}))
    assert (tmp_path / "died").exists()
    assert (job.state, counts(job)) == (JobState.SUCCESS, (30, 0))
    assert len(server.pins()) == 30


def test_an_instance_that_kills_its_worker_fails_alone(machine: Machine, study: str) -> None:
    server = machine.start(
        ("die", "batch", {"batch": 1, "part": -1}, ""), ("die", "batch", {"batch": 1, "part": 3}, "")
    )
    poisoned = server.submit(study, body={"Permissive": True})
    healthy = server.submit(machine.server.pins()[0].ancestry.instance)
    job = ended(server, poisoned)
    assert (job.state, counts(job)) == (JobState.SUCCESS, (30, 1))
    assert counts(ended(server, healthy)) == (1, 0)
    assert len(server.pins()) == 30 + 29 + 1


@pytest.mark.parametrize("kind", ["plan", "finalize"])
def test_a_step_that_always_dies_fails_the_job(machine: Machine, study: str, kind: str) -> None:
    server = machine.start(("die", kind, {}, ""))
    job = ended(server, server.submit(study, body={"KeepSource": False}))
    assert (job.state, job.error_code) == (JobState.FAILURE, -1)
    assert len(list(server.backend.index.pins(Level.STUDY, study))) == 30


def test_the_next_run_resumes_what_the_last_one_left(machine: Machine, study: str) -> None:
    pending = machine.server.submit(study)
    running = machine.server.submit(study)
    plan_job(machine.server.backend, running.id)
    server = machine.start()
    for job in (pending, running):
        assert counts(ended(server, job)) == (30, 0)
    assert len(server.pins()) == 90


def test_starting_twice_runs_once(machine: Machine, study: str) -> None:
    server = machine.start()
    job = server.submit(study)
    for _ in range(3):
        server.backend.runner.start(job)
    done = ended(server, job)
    server.backend.runner.start(job)
    assert (counts(done), server.job(job.id)) == ((30, 0), done)


def test_jobs_do_not_start_before_the_last_ones_are_recovered(machine: Machine, study: str) -> None:
    runner = LocalRunner(WorkerSpec((sys.executable, "-c", ""), {}), workers=1)
    with pytest.raises(InternalError):
        Server(replace(machine.server.backend, runner=runner)).submit(study)
    runner.close()
    assert machine.server.backend.jobs.all() == []


def test_a_worker_of_an_earlier_run_writes_nothing(machine: Machine, study: str) -> None:
    old = machine.start()
    bootstrap.begin_epoch(machine.folder)
    with pytest.raises(StaleEpochError):
        old.submit(study)
    assert machine.server.backend.jobs.all() == []


# ------------------------------------------------------------------ stopped


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def done_batches(server: Server, job: Job) -> int:
    return sum(1 for _ in server.backend.objects.keys(outcomes_prefix(job)))


@pytest.mark.parametrize(("stop", "start"), [(pause_job, resume_job), (cancel_job, resubmit_job)])
def test_a_stopped_job_gives_its_workers_to_others_and_goes_on_later(
    machine: Machine, study: str, tmp_path: Path, stop: Action, start: Action
) -> None:
    server = machine.start(("wait", "batch", {"batch": 1}, str(tmp_path / "go")))
    job = server.submit(study, body={"KeepSource": False})
    until(lambda: done_batches(server, job) == 1)
    stop(server.backend, job.id)
    stopped = server.job(job.id)
    other = ended(server, server.submit(server.pins()[0].ancestry.instance))
    assert counts(other) == (1, 0)
    assert (server.job(job.id), len(list(server.backend.index.pins(Level.STUDY, study)))) == (stopped, 30)
    (tmp_path / "go").touch()
    start(server.backend, job.id)
    done = ended(server, job)
    assert (done.state, counts(done), done.execution) == (JobState.SUCCESS, (30, 0), 2)
    assert len(server.pins()) == 31


def test_a_job_that_is_stopped_before_its_turn_never_runs(
    machine: Machine, study: str, tmp_path: Path
) -> None:
    server = machine.start(("wait", "plan", {}, str(tmp_path / "go")))
    first, second = server.submit(study), server.submit(study)  # as many as run at once
    cancelled, paused = server.submit(study), server.submit(study)
    cancel_job(server.backend, cancelled.id)
    pause_job(server.backend, paused.id)
    (tmp_path / "go").touch()
    for job in (first, second):
        assert counts(ended(server, job)) == (30, 0)
    last = server.submit(study)
    assert counts(ended(server, last)) == (30, 0)
    assert server.job(cancelled.id).error_code == 37
    assert server.job(paused.id).state is JobState.PAUSED
    assert len(server.pins()) == 30 * 4
    assert not list(server.backend.objects.keys(f"jobs/{cancelled.id}/batches/"))


@pytest.mark.parametrize("stop", [pause_job, cancel_job])
def test_the_next_run_leaves_stopped_jobs_alone(machine: Machine, study: str, stop: Action) -> None:
    job = machine.server.submit(study)
    stop(machine.server.backend, job.id)
    stopped = machine.server.job(job.id)
    server = machine.start()
    assert counts(ended(server, server.submit(study))) == (30, 0)
    assert server.job(job.id) == stopped
    if stop is pause_job:
        resume_job(server.backend, job.id)
        assert counts(ended(server, job)) == (30, 0)
        assert len(server.pins()) == 90


# ------------------------------------------------------------------ a full disk


@pytest.mark.parametrize("kind", ["plan", "batch", "finalize"])
def test_a_job_fails_where_its_documents_find_no_space(
    machine: Machine, study: str, tmp_path: Path, kind: str
) -> None:
    server = machine.start(("find-no-space", kind, {}, str(tmp_path / "space")))
    job = server.submit(study, body={"KeepSource": False})
    with pytest.raises(StorageFullError):
        wait_for_job(server.backend, job.id, seconds=60)
    assert server.job(job.id).error_code == StorageFullError.code
    assert len(list(server.backend.index.pins(Level.STUDY, study))) == 30
    (tmp_path / "space").touch()
    resubmit_job(server.backend, job.id)
    assert counts(ended(server, job)) == (30, 0)
    assert len(server.pins()) == 30


def test_a_job_that_cannot_even_be_ended_is_not_waited_for(
    machine: Machine, study: str, tmp_path: Path
) -> None:
    full = FullRecords()
    server = machine.start(("find-no-space", "finalize", {}, str(tmp_path / "space")), full=full)
    job = server.submit(study)
    with pytest.raises(StorageFullError):
        wait_for_job(server.backend, job.id, seconds=60)
    assert server.job(job.id).state is JobState.RUNNING
    full.is_full = False
    assert job_json(server.backend, server.job(job.id))["ErrorCode"] == StorageFullError.code
    assert server.job(job.id).state is JobState.FAILURE
