"""Running jobs on this machine's cores."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from concurrent.futures import CancelledError

from dicomorph.jobs.local_pool import WorkerPool, WorkerSpec
from dicomorph.jobs.local_workflow import run_workflow
from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.services.backend import Backend
from dicomorph.services.finalize_job import abandon_job

_CONCURRENT_JOBS = 2  # Orthanc's ConcurrentJobs

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
        self._backend: Backend | None = None
        self._waiting: queue.PriorityQueue[tuple[int, int, str]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def recover(self, backend: Backend) -> None:
        """Begin to run jobs: those first that an earlier run of the server left."""
        self._backend = backend
        for job in backend.jobs.all():
            if not job.state.is_final:
                self._take(job.id, job.priority)
        for _ in range(_CONCURRENT_JOBS):
            threading.Thread(target=self._drive, args=(backend,), daemon=True).start()

    def start(self, job_id: str) -> None:
        """Queue a job whose record exists. Starting twice runs it once.

        Raises
        ------
        InternalError
            If jobs do not run yet.
        """
        if self._backend is None:
            raise InternalError("Jobs do not run yet")
        job = self._backend.jobs.get(job_id)
        if job is not None:
            self._take(job_id, job.priority)

    def processes(self) -> list[int]:
        """Return the ids of the worker processes that run."""
        return self._pool.processes()

    def close(self) -> None:
        """End all workers at once; jobs that are not done can be recovered."""
        self._pool.close()

    def _take(self, job_id: str, priority: int) -> None:
        with self._lock:
            if job_id in self._taken:
                return
            self._taken.add(job_id)
        self._waiting.put((-priority, next(self._numbers), job_id))

    def _drive(self, backend: Backend) -> None:
        while True:
            negated, _, job_id = self._waiting.get()
            try:
                run_workflow(self._pool, backend, job_id, priority=-negated)
            except CancelledError:
                return
            except Exception as error:  # noqa: BLE001 - one job must not end the others
                _logger.error("Job %s failed with %s", job_id, type(error).__name__)  # noqa: TRY400 - a traceback may quote values
                _abandon(backend, job_id)
            finally:
                with self._lock:
                    self._taken.discard(job_id)


def _abandon(backend: Backend, job_id: str) -> None:
    try:
        abandon_job(backend, job_id)
    except DicomorphError as error:  # the next run of the server recovers it
        _logger.error("Job %s could not be ended: %s", job_id, type(error).__name__)  # noqa: TRY400 - a traceback may quote values
