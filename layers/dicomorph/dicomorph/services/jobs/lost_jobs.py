"""Jobs that nothing runs any more, though nobody asks for them."""

from __future__ import annotations

import time

from dicomorph.services.backend import Backend
from dicomorph.services.jobs.records import as_it_stands


def fail_lost_jobs(backend: Backend, *, seconds: float) -> None:
    """Report the jobs as failed that nothing runs any more, so that they hold no place before others.

    Such a job has an execution that was stopped beside the API, or crashed to its very end, or none at
    all, for its submission was cut short.

    Parameters
    ----------
    seconds : float
        After which no further one is looked at: the oldest ones go first.
    """
    end = time.monotonic() + seconds
    if not backend.jobs.any_alive():
        return
    for job in backend.jobs.all():
        if time.monotonic() >= end:
            break
        as_it_stands(backend, job)
