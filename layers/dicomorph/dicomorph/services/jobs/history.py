"""How many jobs that have ended are remembered (Orthanc's ``JobsHistorySize``, spec 5)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from dicomorph.jobs.model import Job
from dicomorph.model.errors import InexistentItemError
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import work_off
from dicomorph.services.jobs.records import forget_job, timestamp

# Somebody may wait for the result of a job that has just ended, however short the history is.
_KEPT = timedelta(minutes=1)


def listed_jobs(backend: Backend) -> list[Job]:
    """Return the jobs that have not ended, and the last ones that have, by their identifier."""
    jobs = backend.jobs.all()
    beyond = {job.id for job in _beyond(backend, jobs)}
    shown = (job for job in jobs if job.id not in beyond and not job.is_forgotten)
    return sorted(shown, key=lambda job: job.id)


def trim_history(backend: Backend) -> None:
    """Forget jobs that ended long ago, and erase files that only they had pinned."""
    jobs = backend.jobs.all()
    settled = timestamp(backend.now() - _KEPT)
    old = [job for job in _beyond(backend, jobs) if job.completed < settled]
    for job in [*old, *(job for job in jobs if job.is_forgotten)]:
        with suppress(InexistentItemError):  # submitted again, or forgotten, meanwhile
            forget_job(backend, job.id)
    work_off(backend)


def _beyond(backend: Backend, jobs: list[Job]) -> list[Job]:
    """Return the ended jobs that the history has no room for."""
    ended = [job for job in jobs if job.state.is_final and not job.is_forgotten]
    ended.sort(key=lambda job: (job.completed, job.id))
    return ended[: max(len(ended) - backend.settings.jobs_history_size, 0)]
