"""A server without HTTP, whose workers do as they are told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from dicomorph.embedded.backend import begin_epoch, embedded_backend
from dicomorph.embedded.jobs.pool import WorkerSpec
from dicomorph.embedded.jobs.runner import LocalRunner
from dicomorph.jobs.model import Job
from dicomorph.model.errors import DicomorphError, StorageFullError
from dicomorph.model.settings import Settings
from dicomorph.ports.jobs import JobRecords
from dicomorph.services.jobs.waiting import wait_for_job
from local.worker import worker_spec
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server

WORKER = str(Path(__file__).with_name("poisoned_worker.py"))
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

    settings = Settings()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runners: list[LocalRunner] = []
        self.server = self._server(None, IdleRunner())

    def start(self, *poisons: Poison, full: FullRecords | None = None) -> Server:
        """Begin a new run, in which workers do as told at some tasks."""
        epoch = begin_epoch(self.folder)
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
        return Server(embedded_backend(self.folder, self.settings, epoch=epoch, runner=runner))


def ended(server: Server, job: Job) -> Job:
    """Return a job when it has ended, or can no longer be waited for."""
    try:
        return wait_for_job(server.backend, job.id, seconds=60)
    except DicomorphError:
        return server.job(job.id)


def until(condition: Callable[[], object]) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
