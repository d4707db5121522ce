"""Jobs that nothing runs any more, though nobody asks for them."""

from __future__ import annotations

from dicomorph.services.backend import Backend
from dicomorph.services.jobs.records import as_it_stands


def fail_lost_jobs(backend: Backend) -> None:
    """Report the jobs as failed that nothing runs any more, so that they hold no place before others.

    Such a job has an execution that was stopped beside the API, or crashed to its very end, or none at
    all, for its submission was cut short.
    """
    if not backend.jobs.any_alive():
        return
    for job in backend.jobs.all():
        as_it_stands(backend, job)
