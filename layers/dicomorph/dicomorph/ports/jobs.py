"""The ports of jobs: their records, and what runs them."""

from __future__ import annotations

from typing import Protocol

from dicomorph.jobs.model import Job
from dicomorph.model.errors import DicomorphError


class JobRecords(Protocol):
    """The records of jobs. All methods raise `TransientError` when the store is away."""

    def create(self, job: Job, *, request: bytes = b"") -> None:
        """Write a new record; writing the same one again is harmless.

        Parameters
        ----------
        request : bytes
            The document of what was asked, which lies in the object store as well. Where a power
            cut may take that one alone, the record holds it, too (embedded).

        Raises
        ------
        ConflictError
            If another job has this id.
        """

    def get(self, job_id: str) -> Job | None:
        """Return a record as last written, None if there is none."""

    def request(self, job_id: str) -> bytes | None:
        """Return what was asked, None if records of this kind do not hold it."""

    def all(self) -> list[Job]:
        """Return every record, by creation time."""

    def update(self, job: Job) -> Job:
        """Replace the record that was read as `job.revision`; return it with the next one.

        Raises
        ------
        ConflictError
            If somebody else updated it since, or it is gone.
        """

    def delete(self, job_id: str) -> None:
        """Forget a job; unknown ids are ignored."""

    def any_alive(self) -> bool:
        """Tell whether a job may still read its sources. Never lags."""


class JobRunner(Protocol):
    """Runs the workflow of a job: plan, edit batches, finalize.

    Each call concerns the execution that the record names (`Job.execution`).
    """

    def start(self, job: Job) -> None:
        """Start the workflow of a job whose record exists. Starting an execution twice runs it once.

        Raises
        ------
        DicomorphError
            If it cannot be started, or nobody knows whether it was.
        """

    def stop(self, job: Job) -> None:
        """End the workflow of a job whose record says that it is not to run; best effort.

        Tasks under way end by themselves, since they look at the record. An execution that has
        ended, or never began, is left alone.

        Raises
        ------
        TransientError
            If the service is throttled or away.
        """

    def loss(self, job: Job) -> DicomorphError | None:
        """Return why nothing runs an active job any more, None as far as something does or may.

        The record has to be read again before anything follows from it: a workflow that ended
        as it should has written the record before.
        """
