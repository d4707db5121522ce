"""The real state machine, stopped and started again: what becomes of instances is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from dicomorph.aws.jobs.runner import execution_name
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.jobs.view import job_json
from tests.support.jobs import counts
from tests.workflows.moto_faults import WorkerDiedError
from tests.workflows.stack import REGION, Stack, deployed

SOURCES = 7  # three batches


@pytest.fixture
def stack() -> Iterator[Stack]:
    with deployed(PlannerLimits(batch_instances=3, small_job_instances=3), concurrency=1) as found:
        yield found


def once(batch: int, action: Callable[[str], object]) -> Callable[[dict[str, Any]], None]:
    """Let something happen to a job before a batch of it is edited for the first time."""
    left = [batch]

    def happen(event: dict[str, Any]) -> None:
        if left and event["batch"] == batch:
            left.clear()
            action(event["job"])

    return happen


def instances(stack: Stack, study: str) -> int:
    return sum(1 for _ in stack.backend.index.catalogue.pins(Level.STUDY, study))


def held(stack: Stack, job_id: str) -> Job:
    job = stack.backend.jobs.get(job_id)
    assert job is not None
    return job


def test_a_cancelled_job_stops_and_is_done_by_the_next_attempt(stack: Stack) -> None:
    study = stack.upload("PAT", SOURCES)
    stack.before = once(1, lambda job_id: cancel_job(stack.backend, job_id))
    job, status = stack.finish(stack.submit(study, KeepSource=False))
    assert (job.state, job.error_code, status) == (JobState.FAILURE, 37, "ABORTED")
    assert instances(stack, study) == SOURCES
    assert stack.backend.index.catalogue.statistics().instances == SOURCES + 3
    resubmit_job(stack.backend, job.id)
    done, status = stack.finish(held(stack, job.id))
    assert (done.state, counts(done), status) == (JobState.SUCCESS, (SOURCES, 0), "SUCCEEDED")
    assert (instances(stack, study), instances(stack, str(done.content["ID"]))) == (0, SOURCES)
    assert stack.backend.index.catalogue.statistics().instances == SOURCES


def test_a_paused_job_goes_on_in_another_execution(stack: Stack) -> None:
    study = stack.upload("PAT", SOURCES)
    stack.before = once(2, lambda job_id: pause_job(stack.backend, job_id))
    job, status = stack.finish(stack.submit(study, KeepSource=False))
    assert (job.state, status) == (JobState.PAUSED, "ABORTED")
    assert job_json(stack.backend, job)["Progress"] == 6 * 100 // (SOURCES + 2)
    resume_job(stack.backend, job.id)
    resumed = held(stack, job.id)
    assert execution_name(resumed) == f"{job.id}-2"
    done, status = stack.finish(resumed)
    assert (done.state, counts(done), status) == (JobState.SUCCESS, (SOURCES, 0), "SUCCEEDED")
    assert stack.backend.index.catalogue.statistics().instances == SOURCES


def test_a_poisoned_instance_is_done_when_the_poison_is_gone(stack: Stack) -> None:
    def poison(event: dict[str, Any]) -> None:
        if event["batch"] == 1 and event.get("part", 1) == 1:
            raise WorkerDiedError

    stack.before = poison
    study = stack.upload("PAT", SOURCES)
    job = stack.run(study, KeepSource=False)
    assert (job.state, counts(job), instances(stack, study)) == (JobState.FAILURE, (SOURCES, 1), SOURCES)
    stack.before = lambda _: None
    resubmit_job(stack.backend, job.id)
    done, _ = stack.finish(held(stack, job.id))
    assert (done.state, counts(done), instances(stack, study)) == (JobState.SUCCESS, (SOURCES, 0), 0)
    assert stack.backend.index.catalogue.statistics().instances == SOURCES


def test_an_execution_that_somebody_else_aborted_is_reported(stack: Stack) -> None:
    study = stack.upload("PAT", SOURCES)
    stack.before = once(1, abort)
    job, status = stack.finish(stack.submit(study, KeepSource=False))
    assert (job.state, status) == (JobState.RUNNING, "ABORTED")
    old = replace(job, created=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    view = job_json(stack.backend, stack.backend.jobs.update(old))
    assert (view["State"], view["ErrorCode"]) == ("Failure", -1)
    assert "ABORTED" in str(view["ErrorDetails"])
    assert instances(stack, study) == SOURCES
    resubmit_job(stack.backend, job.id)
    done, _ = stack.finish(held(stack, job.id))
    assert (counts(done), stack.backend.index.catalogue.statistics().instances) == ((SOURCES, 0), SOURCES)


def abort(job_id: str) -> None:
    client = boto3.client("stepfunctions", REGION)
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{job_id}"
    client.stop_execution(executionArn=arn)
