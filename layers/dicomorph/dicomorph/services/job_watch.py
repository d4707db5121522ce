"""Looking now and then whether a job is still to be worked on."""

from __future__ import annotations

import time

from dicomorph.jobs.model import Job, JobState
from dicomorph.services.backend import Backend

SECONDS = 0.5
"""Between two looks: one small read on AWS, and how long a cancelled job may go on."""


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
        """Tell it, as of half a second ago at most."""
        if time.monotonic() >= self._next_look:
            job = self._backend.jobs.get(self._job.id)
            # Another execution of the same attempt does the same work: going on does no harm.
            self._is_stopped = (
                job is None or job.state is not JobState.RUNNING or job.attempt != self._job.attempt
            )
            self._next_look = time.monotonic() + SECONDS
        return self._is_stopped
