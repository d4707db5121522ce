"""Jobs whose execution is gone: somebody looks, and they have failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import DicomorphError, InternalError, StorageFullError, TransientError
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.jobs.view import job_json
from dicomorph.services.jobs.waiting import wait_for_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.idle_runner import IdleRunner
from tests.support.jobs import counts, outcome
from tests.workflows.embedded import Server
from tests.workflows.five_instances import REPLACING, SOURCES, in_state, study
from tests.workflows.meddling import before_nth, failing


def test_a_job_that_nothing_runs_any_more_has_failed_and_says_why(server: Server) -> None:
    runner = IdleRunner()
    backend = replace(server.backend, runner=runner)
    job = server.submit(study(server), body=REPLACING)
    plan_job(backend, job.id)
    assert job_json(backend, server.job(job.id))["State"] == "Running"
    runner.lost = InternalError("The execution of the job ended as ABORTED")
    view = job_json(backend, server.job(job.id))
    assert (view["State"], view["ErrorCode"]) == ("Failure", -1)
    assert view["ErrorDetails"] == "The execution of the job ended as ABORTED"
    assert outcome(server.job(job.id)) == (JobState.FAILURE, -1)
    with pytest.raises(DicomorphError):
        wait_for_job(backend, job.id, seconds=None)
    runner.lost = None
    resubmit_job(backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.SUCCESS, JobState.FAILURE])
def test_a_job_that_is_not_to_run_is_not_missed(server: Server, state: JobState) -> None:
    runner = IdleRunner()
    runner.lost = InternalError("Nothing runs it")
    job = in_state(server, state, study(server))
    assert job_json(replace(server.backend, runner=runner), job)["State"] == state.value
    assert server.job(job.id) == job


def test_a_workflow_that_ended_just_now_has_not_lost_its_job(server: Server) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    seen = server.job(job.id)
    done = server.finish(job)
    runner = IdleRunner()
    runner.lost = InternalError("It has ended")
    assert job_json(replace(server.backend, runner=runner), seen)["State"] == "Success"
    assert server.job(job.id) == done


@pytest.mark.parametrize("refusal", [StorageFullError(), TransientError()])
def test_a_loss_that_cannot_be_written_down_is_told_all_the_same(server: Server, refusal: Exception) -> None:
    job = server.submit(study(server))

    jobs = before_nth(server.backend.jobs, "update", 1, failing(refusal))
    runner = IdleRunner()
    runner.lost = StorageFullError("No space is left")
    backend = replace(server.backend, jobs=jobs, runner=runner)
    with pytest.raises(StorageFullError):
        wait_for_job(backend, job.id, seconds=None)
    assert server.job(job.id).state is JobState.PENDING
    assert job_json(backend, server.job(job.id))["State"] == "Failure"  # there is space again
    assert server.job(job.id).error_code == 19
