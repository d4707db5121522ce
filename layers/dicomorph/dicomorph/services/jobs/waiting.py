"""Waiting for the result of a job, as Orthanc's synchronous calls do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InternalError, TimeLimitError
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.records import as_it_stands, get_job

_FIRST_PAUSE = 0.005  # seconds
_LONGEST_PAUSE = 0.5
_GROWTH = 1.1  # so a pause is a tenth of what was waited: no answer comes later than by that


def wait_for_job(backend: Backend, job_id: str, *, seconds: Callable[[], float] | float | None) -> Job:
    """Return a job once it has succeeded.

    Parameters
    ----------
    seconds : Callable[[], float] or float, optional
        How long to wait, or what tells how much of that is left; None is for ever.

    Raises
    ------
    TimeLimitError
        If it is still running then, and goes on; or if it has been paused for as long as the
        setting ``PausedJobTimeout`` allows.
    InexistentItemError
        If there is no such job.
    DicomorphError
        The error that it failed with, and the first instance that failed.
    """
    left = seconds if callable(seconds) else _until(seconds)
    paused = _Paused(backend.settings.paused_job_timeout)
    for pause in _pauses():
        job = as_it_stands(backend, get_job(backend, job_id))
        if job.state is JobState.SUCCESS:
            return job
        if job.state is JobState.FAILURE:
            raise _failure(job)
        if paused.is_too_long(job):
            raise TimeLimitError("The job is paused", job_id=job_id)
        if left() < pause:
            raise TimeLimitError("The job goes on", job_id=job_id)
        time.sleep(pause)
    raise AssertionError  # the pauses never end


class _Paused:
    """How long a job has been paused, as far as its caller has seen.

    Parameters
    ----------
    most : int
        Seconds; 0 is for ever.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._since: float | None = None

    def is_too_long(self, job: Job) -> bool:
        if job.state is not JobState.PAUSED:
            self._since = None
            return False
        now = time.monotonic()
        if self._since is None:
            self._since = now
        return self._most > 0 and now - self._since >= self._most


def error_of(code: int) -> type[DicomorphError]:
    """Return the kind of errors that have one of Orthanc's codes."""
    return _classes().get(code, InternalError)


def _until(seconds: float | None) -> Callable[[], float]:
    if seconds is None:
        return lambda: math.inf
    deadline = time.monotonic() + seconds
    return lambda: deadline - time.monotonic()


def _failure(job: Job) -> DicomorphError:
    match job.content.get("FailedInstances"):
        case [{"ID": str(instance_id)}, *_]:
            pass
        case _:
            instance_id = ""
    return error_of(job.error_code)(job.error_details, job_id=job.id, instance_id=instance_id)


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _classes() -> dict[int, type[DicomorphError]]:
    found: dict[int, type[DicomorphError]] = {}
    left = [DicomorphError]
    while left:
        kind = left.pop()
        found.setdefault(kind.code, kind)
        left += kind.__subclasses__()
    return found
