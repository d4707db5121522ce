"""Executions that began under the earlier definition, without cursors, are served by today's functions."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import boto3
import pytest

from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import Level
from tests.support.idle_runner import IdleRunner
from tests.support.jobs import counts
from tests.workflows import moto_faults
from tests.workflows.moto_faults import WorkerDiedError
from tests.workflows.stack import BUCKET, REGION, deployed

ARN = f"arn:aws:lambda:{REGION}:123456789012:function:"
JOB = {"job.$": "$.job", "execution.$": "$.execution"}
BATCH = {"job.$": "$.job", "batch.$": "$.batch"}
DONE = {"Type": "Pass", "Result": 1, "End": True}


def task(function: str, payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    parameters = {"FunctionName": ARN + function, "Payload": payload}
    base = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}
    return {**base, "ResultPath": None, **fields}


def or_else(state: str) -> dict[str, Any]:
    return {"Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": state}]}


def in_map(mode: dict[str, str], **states: Any) -> dict[str, Any]:
    return {"ItemProcessor": {"ProcessorConfig": mode, "StartAt": next(iter(states)), "States": states}}


def earlier_definition() -> dict[str, Any]:
    """Return the states and payloads of the version before, without its retries."""
    plan = task("PlanJob", JOB, Next="ChooseSize")
    plan["ResultSelector"] = {name: f"$.Payload.{name[:-2]}" for name in ("job.$", "execution.$")}
    plan["ResultSelector"] |= {"batches.$": "$.Payload.batches", "plan.$": "$.Payload.plan", "concurrency": 2}
    plan["ResultPath"] = "$"
    parts = {
        "Type": "Map",
        "ItemsPath": "$.parts",
        "MaxConcurrency": 5,
        "ResultPath": None,
        "ItemSelector": {**BATCH, "part.$": "$$.Map.Item.Value"},
        **in_map(
            {"Mode": "INLINE"},
            EditPart=task("EditBatch", {**BATCH, "part.$": "$.part"}, Next="PartDone", **or_else("PartDone")),
            PartDone=DONE,
        ),
        "Next": "ItemDone",
    }
    key = "States.Format('jobs/{}/manifests/{}.json', $.job, $.plan)"
    listed = "States.ArrayRange(0, States.MathAdd($.instances, -1), 1)"
    batches = {
        "Type": "Map",
        "MaxConcurrencyPath": "$.concurrency",
        "ToleratedFailurePercentage": 100,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": BUCKET, "Key.$": key},
        },
        **in_map(
            {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            EditBatch=task("EditBatch", BATCH, Next="ItemDone", **or_else("ListParts")),
            ListParts={"Type": "Pass", "Parameters": {**BATCH, "parts.$": listed}, "Next": "EditParts"},
            EditParts=parts,
            ItemDone=DONE,
        ),
        "ResultPath": None,
        "Next": "FinalizeJob",
    }
    choice = {"Variable": "$.batches", "NumericEquals": 0, "Next": "FinalizeJob"}
    return {
        "StartAt": "PlanJob",
        "States": {
            "PlanJob": plan,
            "ChooseSize": {"Type": "Choice", "Choices": [choice], "Default": "EditBatches"},
            "EditBatches": batches,
            "FinalizeJob": task("FinalizeJob", JOB, End=True),
        },
    }


@pytest.mark.parametrize("is_poisoned", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_job_goes_on_that_began_under_the_earlier_definition(*, is_poisoned: bool) -> None:
    def poison(event: dict[str, Any]) -> None:
        if is_poisoned and event["batch"] == 1 and event.get("part", 1) == 1:
            raise WorkerDiedError

    with deployed(PlannerLimits(batch_instances=3, small_job_instances=0)) as stack:
        stack.before = poison
        stack.backend = replace(stack.backend, runner=IdleRunner())
        study = stack.upload("PAT", 7)
        job = stack.submit(study, KeepSource=False, Permissive=True)
        client = boto3.client("stepfunctions", REGION)
        definition = moto_faults.parseable(json.dumps(earlier_definition()))
        role = boto3.client("iam", REGION).get_role(RoleName="workflow")["Role"]["Arn"]
        machine = client.create_state_machine(name="earlier", definition=definition, roleArn=role)
        event = json.dumps({"job": job.id, "execution": 1})
        arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], name=job.id, input=event)[
            "executionArn"
        ]
        deadline = time.monotonic() + 60
        while client.describe_execution(executionArn=arn)["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
        done = stack.backend.jobs.get(job.id)
        assert done is not None
        assert (done.state, counts(done)) == (JobState.SUCCESS, (7, int(is_poisoned)))
        left = stack.backend.index.catalogue.get(Level.STUDY, study)
        assert (left is None) != is_poisoned  # an instance failed: nothing is deleted
