"""How many workers a job may have at a time, and how many jobs run: shares of what there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dicomorph.jobs.model import Job, JobState


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many workers a deployment can run at a time.

    Parameters
    ----------
    workers : int
        Of all jobs together.
    of_one_job : int
        The most that one job is given.
    """

    workers: int
    of_one_job: int


def workers_of_account(unreserved: int, reserved: int) -> int:
    """Return how many workers an account has room for.

    Parameters
    ----------
    unreserved : int
        What the account shares among all functions without a part of their own. A fifth of it,
        at most a hundred and at least two, stays free for the API, planning and finalization.
    reserved : int
        The workers' own part; 0 if they have none.
    """
    if reserved:
        return reserved
    kept = max(2, min(unreserved // 5, 100))
    return max(unreserved - kept, 1)


def jobs_at_once(capacity: Capacity, setting: int | None) -> int:
    """Return how many jobs may run: no more than there are workers, and than ``ConcurrentJobs`` says."""
    return max(min(setting or capacity.workers, capacity.workers), 1)


def share(capacity: Capacity, jobs: int, position: int = 0) -> int:
    """Return how many workers one of some jobs gets.

    Parameters
    ----------
    position : int
        Which one it is, from 0 on: what cannot be divided evenly goes to the first ones.
    """
    each, rest = divmod(capacity.workers, max(jobs, 1))
    return max(min(each + (position < rest), capacity.of_one_job), 1)


def is_next(job: Job, jobs: Iterable[Job], limit: int) -> bool:
    """Tell whether a pending job may begin: it is among the first that the running ones leave room for.

    Higher priorities go first, then those that wait longer. Two that ask at the same moment
    cannot both take the last place, for each counts the other one if that one goes first.
    """
    return sum(goes_before(other, job) for other in jobs if other.id != job.id) < limit


def goes_before(other: Job, job: Job) -> bool:
    """Tell whether another job holds a place before a pending one: it runs, or is to begin earlier."""
    if other.state is JobState.PENDING:
        return _rank(other) < _rank(job)
    return other.state is JobState.RUNNING


def waiting_since(job: Job) -> tuple[str, str]:
    """Return what orders jobs by when they were submitted, resumed or resubmitted the last time."""
    return job.queued or job.created, job.id


def _rank(job: Job) -> tuple[int, str, str]:
    return -job.priority, *waiting_since(job)
