"""How many jobs that have ended are remembered (Orthanc's ``JobsHistorySize``, spec 5)."""

from __future__ import annotations

from datetime import timedelta

from dicomorph.jobs.model import Job
from dicomorph.services.backend import Backend
from dicomorph.services.job_records import forget_job, timestamp

# Somebody may wait for the result of a job that has just ended, however short the history is.
_KEPT = timedelta(minutes=1)


def listed_jobs(backend: Backend) -> list[Job]:
    """Return the jobs that have not ended, and the last ones that have, by their identifier."""
    jobs = backend.jobs.all()
    beyond = {job.id for job in _beyond(backend, jobs)}
    return sorted((job for job in jobs if job.id not in beyond), key=lambda job: job.id)


def trim_history(backend: Backend) -> None:
    """Forget jobs that ended long ago, and deleted files if no job is left that may have pinned them."""
    jobs = backend.jobs.all()
    settled = timestamp(backend.now() - _KEPT)
    for job in _beyond(backend, jobs):
        if job.completed < settled:
            forget_job(backend, job.id)
    if all(job.state.is_final for job in jobs):
        backend.objects.release()


def _beyond(backend: Backend, jobs: list[Job]) -> list[Job]:
    """Return the ended jobs that the history has no room for."""
    ended = sorted((job for job in jobs if job.state.is_final), key=lambda job: (job.completed, job.id))
    return ended[: max(len(ended) - backend.settings.jobs_history_size, 0)]
