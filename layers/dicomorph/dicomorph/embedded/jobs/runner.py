"""Running jobs on this machine's cores."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from concurrent.futures import CancelledError
from typing import TypeAlias

from dicomorph.embedded.jobs.pool import WorkerPool, WorkerSpec
from dicomorph.embedded.jobs.workflow import LocalWorkflow
from dicomorph.jobs.concurrency import waiting_since
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.services.backend import Backend
from dicomorph.services.work.finalize_job import abandon_job

_CONCURRENT_JOBS = 2  # as in Orthanc

_Execution: TypeAlias = tuple[str, int]

_logger = logging.getLogger(__name__)


class LocalRunner:
    """Runs jobs in worker processes, a few jobs at once, by priority and then by age.

    Parameters
    ----------
    worker : WorkerSpec
        How a worker process is started.
    workers : int
        How many there are.

    Notes
    -----
    Jobs run from `recover` on; a runner is part of the backend that it needs.
    """

    def __init__(self, worker: WorkerSpec, *, workers: int) -> None:
        self._pool = WorkerPool(worker, workers)
        self._workers = workers
        self._backend: Backend | None = None
        self._waiting: queue.PriorityQueue[tuple[bool, int, int, _Execution]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._workflows: dict[_Execution, LocalWorkflow] = {}
        self._losses: dict[_Execution, DicomorphError] = {}
        self._lock = threading.Lock()

    def recover(self, backend: Backend) -> None:
        """Begin to run jobs, those first that an earlier run of the server left, each in its turn."""
        self._backend = backend
        for job in sorted(backend.jobs.all(), key=waiting_since):
            if job.state.is_active:
                self._take(job)
        for _ in range(self._concurrent_jobs(backend)):
            threading.Thread(target=self._drive, args=(backend,), daemon=True).start()

    def start(self, job: Job) -> None:
        """Queue a job whose record exists. Starting twice runs it once.

        Raises
        ------
        InternalError
            If jobs do not run yet.
        """
        if self._backend is None:
            raise InternalError("Jobs do not run yet")
        self._take(job)

    def stop(self, job: Job) -> None:
        """Take the tasks of a job out of the queue; those under way look at the record."""
        with self._lock:
            workflow = self._workflows.pop(_execution(job), None)
        if workflow is not None:
            workflow.stop()

    def loss(self, job: Job) -> DicomorphError | None:
        """Return why a job that this runner gave up could not be ended, None for any other one."""
        return self._losses.get(_execution(job))

    def close(self) -> None:
        """End all workers at once; jobs that are not done can be recovered."""
        self._pool.close()

    def _concurrent_jobs(self, backend: Backend) -> int:
        """Return how many jobs run at once: 0 is one for each worker (setting ``ConcurrentJobs``)."""
        setting = backend.settings.concurrent_jobs
        return _CONCURRENT_JOBS if setting is None else setting or self._workers

    def _take(self, job: Job) -> None:
        execution = _execution(job)
        with self._lock:
            if execution in self._workflows:
                return
            self._workflows[execution] = LocalWorkflow(self._pool, job)
        # What an earlier run has begun goes on before anything begins.
        is_begun = job.state is JobState.RUNNING
        self._waiting.put((not is_begun, -job.priority, next(self._numbers), execution))

    def _drive(self, backend: Backend) -> None:
        while not self._pool.is_closed:
            *_, execution = self._waiting.get()
            with self._lock:
                workflow = self._workflows.get(execution)
            if workflow is None:
                continue  # stopped before its turn
            try:
                workflow.run(backend)
            except CancelledError:  # stopped, or the pool was closed
                continue
            except Exception as error:  # noqa: BLE001 - one job must not end the others
                _logger.error("Job %s failed with %s", execution[0], type(error).__name__)  # noqa: TRY400 - a traceback may quote values
                self._abandon(backend, execution, error)
            finally:
                with self._lock:
                    self._workflows.pop(execution, None)

    def _abandon(self, backend: Backend, execution: _Execution, error: Exception) -> None:
        """Report a job as failed; where that cannot be written, remember it."""
        reason = error if isinstance(error, DicomorphError) else InternalError("A step of the job crashed")
        try:
            abandon_job(backend, *execution, error=reason)
        except DicomorphError as refusal:  # the next run of the server takes the job up again
            _logger.error("Job %s could not be ended: %s", execution[0], type(refusal).__name__)  # noqa: TRY400 - a traceback may quote values
            self._losses[execution] = reason


def _execution(job: Job) -> _Execution:
    return job.id, job.execution
