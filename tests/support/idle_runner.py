"""Runners of jobs that run none: the test takes each step itself."""

from __future__ import annotations

from dicomorph.jobs.model import Job
from dicomorph.model.errors import DicomorphError, TransientError


class IdleRunner:
    """Starts nothing, stops nothing, and loses what it is told to lose."""

    def __init__(self) -> None:
        self.lost: DicomorphError | None = None

    def start(self, job: Job) -> None:
        """Do nothing."""

    def stop(self, job: Job) -> None:
        """Do nothing."""

    def loss(self, job: Job) -> DicomorphError | None:  # noqa: ARG002 - the port has it
        """Return what the test wants."""
        return self.lost


class AwayRunner(IdleRunner):
    """Cannot be reached."""

    def start(self, job: Job) -> None:
        """Leave open whether the job was started."""
        raise TransientError(job.id)

    def stop(self, job: Job) -> None:
        """Leave open whether the job was stopped."""
        raise TransientError(job.id)
