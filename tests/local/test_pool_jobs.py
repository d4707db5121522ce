"""Whole jobs in worker processes that die."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.jobs.local import LocalRunner
from dicomorph.jobs.local_pool import WorkerSpec
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InternalError, StaleEpochError
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from dicomorph.services.plan_job import plan_job
from dicomorph.services.wait_for_job import wait_for_job
from local.worker import worker_spec
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server

WORKER = str(Path(__file__).with_name("poisoned_worker.py"))


class Machine:
    """A server without HTTP on one folder, begun anew with each `start`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runners: list[LocalRunner] = []
        self.server = self._server(None, IdleRunner())

    def start(self, *deaths: tuple[str, dict[str, int], str]) -> Server:
        """Begin a new run, in which workers die as told."""
        epoch = bootstrap.begin_epoch(self.folder)
        setup = worker_spec(self.folder, {}, epoch=epoch).setup
        spec = WorkerSpec((sys.executable, WORKER), {"server": setup, "deaths": deaths})
        runner = LocalRunner(spec, workers=2)
        self._runners.append(runner)
        self.server = self._server(epoch, runner)
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
    server = machine.start((kind, {}, str(tmp_path / "died")))
    job = ended(server, server.submit(study, body={"KeepSource": False}))
    assert (tmp_path / "died").exists()
    assert (job.state, counts(job)) == (JobState.SUCCESS, (30, 0))
    assert len(server.pins()) == 30


def test_an_instance_that_kills_its_worker_fails_alone(machine: Machine, study: str) -> None:
    server = machine.start(("batch", {"batch": 1, "part": -1}, ""), ("batch", {"batch": 1, "part": 3}, ""))
    poisoned = server.submit(study, body={"Permissive": True})
    healthy = server.submit(machine.server.pins()[0].ancestry.instance)
    job = ended(server, poisoned)
    assert (job.state, counts(job)) == (JobState.SUCCESS, (30, 1))
    assert counts(ended(server, healthy)) == (1, 0)
    assert len(server.pins()) == 30 + 29 + 1


@pytest.mark.parametrize("kind", ["plan", "finalize"])
def test_a_step_that_always_dies_fails_the_job(machine: Machine, study: str, kind: str) -> None:
    server = machine.start((kind, {}, ""))
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
