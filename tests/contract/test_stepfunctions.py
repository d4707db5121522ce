"""Executions of the state machine: how they are named, stopped and missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dicomorph.aws.jobs.runner import StepFunctionsRunner
from dicomorph.jobs.model import JobState
from dicomorph.model.errors import InternalError, TransientError
from tests.support.jobs import JOB as A_JOB
from tests.support.quick_moto import quick_aws

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

NOW = datetime.now(UTC)
JOB = replace(A_JOB, created=(NOW - timedelta(hours=1)).isoformat(), state=JobState.RUNNING)
DEFINITION = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}


@pytest.fixture
def client() -> Iterator[SFNClient]:
    with quick_aws():
        yield boto3.client("stepfunctions", "eu-central-1")


@pytest.fixture
def machine(client: SFNClient) -> str:
    role = "arn:aws:iam::123456789012:role/workflow"
    made = client.create_state_machine(name="modification", definition=json.dumps(DEFINITION), roleArn=role)
    return made["stateMachineArn"]


@pytest.fixture
def runner(client: SFNClient, machine: str) -> StepFunctionsRunner:
    return StepFunctionsRunner(client, machine)


def executions(client: SFNClient, machine: str) -> dict[str, str]:
    found = client.list_executions(stateMachineArn=machine)["executions"]
    return {execution["name"]: execution["status"] for execution in found}


def test_each_start_of_a_job_is_an_execution_of_its_own(
    client: SFNClient, machine: str, runner: StepFunctionsRunner
) -> None:
    again = replace(JOB, attempt=2, execution=2)
    for job in (JOB, JOB, again, again):
        runner.start(job)
    assert executions(client, machine) == {JOB.id: "RUNNING", f"{JOB.id}-2": "RUNNING"}
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{JOB.id}-2"
    state = json.loads(client.describe_execution(executionArn=arn)["input"])
    assert state == {"job": JOB.id, "execution": 2}


def test_one_execution_is_stopped_and_no_other(
    client: SFNClient, machine: str, runner: StepFunctionsRunner
) -> None:
    again = replace(JOB, execution=2)
    runner.start(JOB)
    runner.start(again)
    runner.stop(JOB)
    runner.stop(replace(JOB, execution=3))  # never began
    assert executions(client, machine) == {JOB.id: "ABORTED", f"{JOB.id}-2": "RUNNING"}
    assert runner.loss(again) is None
    assert "ABORTED" in str(runner.loss(JOB))


def test_an_execution_that_never_began_is_missed_after_a_while(runner: StepFunctionsRunner) -> None:
    assert isinstance(runner.loss(JOB), InternalError)
    young = (datetime.now(UTC) - timedelta(seconds=10)).isoformat()
    assert runner.loss(replace(JOB, created=young)) is None
    assert runner.loss(replace(JOB, queued=young, execution=2)) is None
    assert isinstance(runner.loss(replace(JOB, queued=JOB.created, execution=2)), InternalError)


def test_a_job_that_comes_to_its_end_may_outlive_its_execution(runner: StepFunctionsRunner) -> None:
    runner.start(JOB)
    runner.stop(JOB)
    assert runner.loss(replace(JOB, is_ending=True)) is None
    assert isinstance(runner.loss(JOB), InternalError)


class _Refusing:
    """A client whose calls are all refused."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, name: str) -> Any:
        def refuse(**_: Any) -> None:
            raise ClientError({"Error": {"Code": self._code, "Message": ""}}, name)

        return refuse


@pytest.mark.parametrize(
    ("code", "error"),
    [("ThrottlingException", TransientError), ("AccessDeniedException", InternalError)],
)
def test_refusals_are_ours(code: str, error: type[Exception]) -> None:
    client: Any = _Refusing(code)
    runner = StepFunctionsRunner(client, "arn:aws:states:eu-central-1:1:stateMachine:m")
    with pytest.raises(error):
        runner.start(JOB)
    with pytest.raises(error):
        runner.stop(JOB)


def test_nobody_is_missed_where_nobody_can_tell() -> None:
    client: Any = _Refusing("ThrottlingException")
    assert StepFunctionsRunner(client, "arn:aws:states:eu-central-1:1:stateMachine:m").loss(JOB) is None
