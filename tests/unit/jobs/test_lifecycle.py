"""What leads from one state of a job to the next, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs import lifecycle
from dicomorph.jobs.model import Job, JobState
from tests.support.jobs import JOB as A_JOB

PENDING, RUNNING, PAUSED = JobState.PENDING, JobState.RUNNING, JobState.PAUSED
SUCCESS, FAILURE = JobState.SUCCESS, JobState.FAILURE
JOB = replace(A_JOB, content={"ID": "x"})


def moment(seconds: float) -> str:
    return f"2026-01-02T03:{4 + int(seconds // 60):02}:{seconds % 60:09.6f}+00:00"


STEPS: dict[str, Callable[[Job, str], Job]] = {
    "begin": lambda job, now: lifecycle.begun(job, job.execution, now),
    "begin late": lambda job, now: lifecycle.begun(job, job.execution - 1, now),
    "end": lambda job, _: lifecycle.ending(job, job.execution),
    "end late": lambda job, _: lifecycle.ending(job, job.execution - 1),
    "succeed": lambda job, now: lifecycle.succeeded(job, now) if job.state is RUNNING else job,
    "fail": lambda job, now: lifecycle.failed(job, now, code=17, details="0010,0020"),
    "cancel": lifecycle.cancelled,
    "pause": lifecycle.paused,
    "resume": lifecycle.resumed,
    "resubmit": lambda job, now: lifecycle.resubmitted(job, now, content={}),
}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("begin", {PENDING: RUNNING}),
        ("begin late", {}),
        ("end late", {}),
        ("fail", dict.fromkeys((PENDING, RUNNING, PAUSED), FAILURE)),
        ("cancel", dict.fromkeys((PENDING, RUNNING, PAUSED), FAILURE)),
        ("pause", dict.fromkeys((PENDING, RUNNING), PAUSED)),
        ("resume", {PAUSED: PENDING}),
        ("resubmit", {FAILURE: PENDING}),
    ],
)
@pytest.mark.parametrize("state", JobState)
def test_each_step_leads_from_some_states_and_leaves_the_others(
    step: str, expected: dict[JobState, JobState], state: JobState
) -> None:
    before = replace(JOB, state=state)
    after = STEPS[step](before, moment(9))
    assert after.state is expected.get(state, state)
    if state not in expected:
        assert after is before


@pytest.mark.parametrize("step", ["cancel", "pause"])
def test_nothing_stops_a_job_that_comes_to_its_end(step: str) -> None:
    ending = lifecycle.ending(replace(JOB, state=RUNNING), 1)
    assert ending.is_ending
    assert STEPS[step](ending, moment(9)) is ending
    for end in ("succeed", "fail"):
        assert not STEPS[end](ending, moment(9)).is_ending


def test_only_a_job_that_somebody_stopped_is_cancelled() -> None:
    running = replace(JOB, state=RUNNING)
    stopped = {step for step in STEPS if lifecycle.is_cancelled(STEPS[step](running, moment(9)))}
    assert stopped == {"cancel"}


def test_a_job_tells_why_it_failed_until_it_is_submitted_again() -> None:
    cancelled = lifecycle.cancelled(replace(JOB, state=RUNNING, started=moment(1), listing=1), moment(4))
    assert (cancelled.error_code, cancelled.completed) == (37, moment(4))
    again = lifecycle.resubmitted(cancelled, moment(5), content={})
    assert (again.error_code, again.error_details, again.completed, again.content) == (0, "", "", {})
    assert (again.key, again.attempt, again.execution, again.listing) == (JOB.key, 2, 2, 0)


def test_the_runtime_leaves_out_pauses() -> None:
    job = lifecycle.begun(JOB, 1, moment(10))
    assert lifecycle.runtime(JOB, moment(10)) == 0
    assert lifecycle.runtime(job, moment(13)) == 3
    job = lifecycle.paused(job, moment(15))
    assert lifecycle.runtime(job, moment(40)) == 5
    job = lifecycle.begun(lifecycle.resumed(job, moment(50)), 2, moment(52))
    job = lifecycle.succeeded(job, moment(53))
    assert lifecycle.runtime(job, moment(59)) == 6


@given(st.lists(st.sampled_from(sorted(STEPS))))
def test_any_steps_leave_a_job_that_makes_sense(steps: list[str]) -> None:
    job = JOB
    for second, step in enumerate(steps):
        before, job = job, STEPS[step](job, moment(second % 60))
        restarted = job.state is PENDING and before.state is not PENDING
        assert job.execution == before.execution + restarted
        assert job.attempt == before.attempt + (restarted and before.state is FAILURE)
        assert (job.state is RUNNING) == bool(job.started and not job.completed)
        assert bool(job.completed) == job.state.is_final
        assert bool(job.error_code) == (job.state is FAILURE)
        assert job.is_ending <= (job.state is RUNNING)
