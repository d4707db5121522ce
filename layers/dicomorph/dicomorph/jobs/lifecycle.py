"""The states of a job and what leads from one to the next (spec 5).

Each function returns the record as it is to be written, or the very same one where the job is
not in a state from which the step leads on. They are meant for `services.job_records`, which
repeats them on the newest record until nobody else was faster: so of a job that ends and is
cancelled at the same moment, exactly one becomes true.

::

    Pending ──▶ Running ──▶ Success
      │  ▲        │  └────▶ Failure ──▶ Pending   resubmitted: the next attempt
      ▼  │        │            ▲
     Paused ◀─────┘            │
        └──────────────────────┘                  cancelled
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import CanceledJobError
from dicomorph.model.resources import Json


def is_running(job: Job, execution: int) -> bool:
    """Tell whether a task of an execution still has to do with the job."""
    return job.state is JobState.RUNNING and job.execution == execution


def begun(job: Job, execution: int, moment: str) -> Job:
    """Let a pending job run, if this is its execution.

    Parameters
    ----------
    moment : str
        The time, as records hold it.
    """
    if job.state is not JobState.PENDING or job.execution != execution:
        return job
    return replace(job, state=JobState.RUNNING, started=moment)


def planned(job: Job, execution: int, plan: str, sizes: Sequence[int], *, instead_of: str) -> Job:
    """Let a running job work on a plan, unless another planner was faster.

    Parameters
    ----------
    sizes : Sequence[int]
        How many instances each of its batches has.
    instead_of : str
        The plan that the planner has found; empty for none.
    """
    if not is_running(job, execution) or job.plan != instead_of:
        return job
    return replace(job, plan=plan, batches=len(sizes), content={**job.content, "InstancesCount": sum(sizes)})


def ending(job: Job, execution: int) -> Job:
    """Let a running job remove what cannot be brought back: from now on, nobody stops it."""
    return replace(job, is_ending=True) if is_running(job, execution) else job


def succeeded(job: Job, moment: str) -> Job:
    """Let a running job end well."""
    return replace(
        job, state=JobState.SUCCESS, completed=moment, error_code=0, error_details="", is_ending=False
    )


def failed(job: Job, moment: str, *, code: int, details: str = "") -> Job:
    """Let a job fail, unless it has ended."""
    if job.state.is_final:
        return job
    return replace(
        job, state=JobState.FAILURE, completed=moment, error_code=code, error_details=details, is_ending=False
    )


def cancelled(job: Job, moment: str) -> Job:
    """Let a job fail because somebody wants it to, unless it is coming to its end."""
    return job if job.is_ending else failed(job, moment, code=CanceledJobError.code)


def is_cancelled(job: Job) -> bool:
    """Tell whether a job has failed because somebody wanted it to."""
    return job.state is JobState.FAILURE and job.error_code == CanceledJobError.code


def paused(job: Job, moment: str) -> Job:
    """Interrupt a job, unless it is coming to its end."""
    if job.is_ending or not job.state.is_active:
        return job
    return replace(job, state=JobState.PAUSED, started="", runtime=runtime(job, moment))


def resumed(job: Job, moment: str) -> Job:
    """Let a paused job go on where it stopped, in a new execution."""
    if job.state is not JobState.PAUSED:
        return job
    return replace(job, state=JobState.PENDING, queued=moment, execution=job.execution + 1)


def resubmitted(job: Job, moment: str, *, content: Mapping[str, Json]) -> Job:
    """Let a failed job begin again: a new attempt, whose key and plan are those of the first one."""
    if job.state is not JobState.FAILURE or job.is_forgotten:
        return job
    return replace(
        job,
        state=JobState.PENDING,
        attempt=job.attempt + 1,
        execution=job.execution + 1,
        queued=moment,
        started="",
        completed="",
        runtime=0.0,
        error_code=0,
        error_details="",
        content=content,
        listing=0,
    )


def forgotten(job: Job) -> Job:
    """Let a job that has ended be deleted."""
    return replace(job, is_forgotten=True) if job.state.is_final else job


def withdrawn(job: Job, moment: str) -> Job:
    """Let a job that has not begun be deleted."""
    return forgotten(failed(job, moment, code=-1)) if job.state is JobState.PENDING else job


def runtime(job: Job, moment: str) -> float:
    """Return for how many seconds an attempt has run, or had when it ended."""
    if not job.started:
        return job.runtime
    end = datetime.fromisoformat(job.completed or moment)
    return job.runtime + max((end - datetime.fromisoformat(job.started)).total_seconds(), 0.0)
