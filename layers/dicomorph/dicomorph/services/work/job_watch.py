"""Looking now and then whether a job is still to be worked on."""

from __future__ import annotations

import time
from contextlib import suppress

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import TransientError
from dicomorph.services.backend import Backend

SECONDS = 1.0
"""Between two looks. All workers of a job read the same item, which DynamoDB allows 3000 times a second."""


class JobWatch:
    """Tells a task whether the job that it works on was cancelled, paused or forgotten.

    Parameters
    ----------
    job : Job
        The record as the task has read it just now.
    """

    def __init__(self, backend: Backend, job: Job) -> None:
        self._backend = backend
        self._job = job
        self._is_stopped = False
        self._next_look = time.monotonic() + SECONDS

    def is_stopped(self) -> bool:
        """Tell it, as of a moment ago; who cannot look goes on."""
        if time.monotonic() >= self._next_look:
            with suppress(TransientError):
                self._is_stopped = self._look()
            self._next_look = time.monotonic() + SECONDS
        return self._is_stopped

    def _look(self) -> bool:
        job = self._backend.jobs.get(self._job.id)
        # Another execution of the same attempt does the same work: going on does no harm.
        return job is None or job.state is not JobState.RUNNING or job.attempt != self._job.attempt
