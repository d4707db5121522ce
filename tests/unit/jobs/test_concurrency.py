"""How workers are shared out, and whose turn it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs.concurrency import Capacity, is_next, jobs_at_once, share, workers_of_account
from dicomorph.jobs.model import JobState
from tests.support.jobs import JOB


@pytest.mark.parametrize(
    ("unreserved", "reserved", "workers"),
    [(10, 0, 8), (50, 0, 40), (1_000, 0, 900), (900, 10, 10), (1, 0, 1)],
)
def test_the_account_keeps_a_part_for_everything_else(unreserved: int, reserved: int, workers: int) -> None:
    assert workers_of_account(unreserved, reserved) == workers


@given(st.integers(1, 5_000), st.integers(1, 10_000), st.integers(0, 100), st.none() | st.integers(0, 50))
def test_all_jobs_together_get_no_more_than_there_is(
    workers: int, of_one_job: int, jobs: int, setting: int | None
) -> None:
    capacity = Capacity(workers, of_one_job)
    at_once = min(jobs, jobs_at_once(capacity, setting))
    shares = [share(capacity, at_once, position) for position in range(at_once)]
    assert all(1 <= one <= of_one_job for one in shares)
    assert sum(shares) == min(workers, of_one_job * at_once) or max(shares) == of_one_job
    assert sum(shares) <= workers


def test_jobs_go_by_priority_and_then_by_age() -> None:
    jobs = [
        replace(JOB, id="old", created="1"),
        replace(JOB, id="young", created="3"),
        replace(JOB, id="resumed", created="0", queued="2"),
        replace(JOB, id="urgent", created="4", priority=1),
        replace(JOB, id="running", state=JobState.RUNNING),
        replace(JOB, id="paused", state=JobState.PAUSED),
        replace(JOB, id="done", state=JobState.SUCCESS),
    ]
    turns = {
        job.id: next(limit for limit in range(1, 9) if is_next(job, jobs, limit))
        for job in jobs
        if job.state is JobState.PENDING
    }
    assert turns == {"urgent": 2, "old": 3, "resumed": 4, "young": 5}


@given(st.permutations(range(6)), st.integers(1, 6))
def test_those_that_ask_at_the_same_moment_are_no_more_than_there_is_room_for(
    ages: list[int], limit: int
) -> None:
    jobs = [replace(JOB, id=str(number), created=str(age)) for number, age in enumerate(ages)]
    assert sum(is_next(job, jobs, limit) for job in jobs) == limit
