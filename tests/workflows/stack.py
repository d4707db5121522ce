"""The workflow on a mocked AWS: the state machine, its functions and the stores behind them."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from dicomorph import bootstrap
from dicomorph.aws.index.roles import dynamo_index
from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.aws.jobs.runner import StepFunctionsRunner, execution_name
from dicomorph.aws.objects.store import S3Store
from dicomorph.aws.uploads.door import S3UploadDoor
from dicomorph.aws.uploads.records import DynamoUploadRecords
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.jobs.concurrency import Capacity
from dicomorph.jobs.model import Job
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.object_keys import upload_key
from dicomorph.model.resources import InstanceEntry, Level
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services.backend import Backend, Uploads
from dicomorph.services.entries import instance_entry
from dicomorph.services.submit.modification import submit_modification
from dicomorph.services.submit.start_job import Caller
from local.functions import load_module
from local.template import TEMPLATE
from tests.support.api_client import make_dicom
from tests.support.index_schema import index_schema
from tests.workflows import moto_faults

REGION: Final = "eu-central-1"
BUCKET = "dicom"
_FUNCTIONS = {"PlanJob": "plan_job", "EditBatch": "edit_batch", "FinalizeJob": "finalize_job"}


def _nothing(_: dict[str, Any]) -> None:
    return None


@dataclass
class Stack:
    """A deployed workflow.

    ``calls`` are the events of all invocations of the worker, but for those that give an instance
    up, which are in ``given_up``; ``before`` is called with each event of the former, and may fail
    as an invocation does.
    """

    backend: Backend
    calls: list[dict[str, Any]] = field(default_factory=list)
    given_up: list[dict[str, Any]] = field(default_factory=list)
    before: Callable[[dict[str, Any]], None] = _nothing

    def upload(self, patient: str, instances: int) -> str:
        """Store a study and return its id; the index gets all instances at once."""
        entries = [self._put(make_dicom(patient, 1, 1, number + 1)) for number in range(instances)]
        self.backend.index.ingest.add(entries, overwrite=OverwriteInstances.NEVER)
        return entries[0].ancestry.study

    def _put(self, file: bytes) -> InstanceEntry:
        description = describe(BufferSource(file), default_encoding="Latin1")
        ancestry = ancestry_of(description.identifiers)
        ref = self.backend.objects.put(upload_key(ancestry, b"upload"), file)
        return instance_entry(description, ancestry, ref, md5="", metadata={})

    def submit(self, study: str, **body: Any) -> Job:
        """Anonymize a study."""
        return submit_modification(
            self.backend,
            body,
            level=Level.STUDY,
            resource_id=study,
            is_anonymization=True,
            caller=Caller(),
        )

    def finish(self, job: Job, *, seconds: float = 60) -> tuple[Job, str]:
        """Wait for the execution of a job; return the job, and how the execution ended."""
        client = boto3.client("stepfunctions", REGION)
        machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{execution_name(job)}"
        deadline = time.monotonic() + seconds
        while (status := client.describe_execution(executionArn=arn)["status"]) == "RUNNING":
            assert time.monotonic() < deadline, self.backend.jobs.get(job.id)
            time.sleep(0.02)
        done = self.backend.jobs.get(job.id)
        assert done is not None
        return done, status

    def run(self, study: str, *, seconds: float = 60, **body: Any) -> Job:
        """Anonymize a study to the end of an execution that does not fail."""
        job, status = self.finish(self.submit(study, **body), seconds=seconds)
        assert status == "SUCCEEDED"
        return job

    def map_items(self) -> dict[str, int]:
        """Return how the items of the latest distributed map ended."""
        client = boto3.client("stepfunctions", REGION)
        machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        runs = [
            run
            for execution in client.list_executions(stateMachineArn=machine)["executions"]
            for run in client.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
        ]
        counts = [client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"] for run in runs]
        return {name: sum(count[name] for count in counts) for name in ("succeeded", "failed")}


@contextmanager
def deployed(
    limits: PlannerLimits,
    *,
    concurrency: int = 2,
    workers: int = 100,
    timeout: int | None = None,
    config: Config | None = None,
    empty_partitions: bool = False,
) -> Iterator[Stack]:
    """Deploy the workflow, with the resources of the template.

    Parameters
    ----------
    concurrency, workers : int
        How many workers one job gets, and all of them together.
    timeout : int, optional
        Seconds after which the states of workers time out, in place of those of the definition.
    config : Config, optional
        Of the functions' clients.
    empty_partitions : bool
        As in `quick_aws`.
    """
    handlers: dict[str, moto_faults.Handler] = {}
    with moto_faults.aws(handlers, empty_partitions=empty_partitions):
        arns = {f"{name}FunctionArn": _create_function(name) for name in _FUNCTIONS}
        _create_stores()
        machine = _create_machine({**arns, "DicomBucketName": BUCKET}, timeout=timeout)
        stack = Stack(
            replace(_backend(machine, limits, config), capacity=lambda: Capacity(workers, concurrency))
        )
        bootstrap.use_backend(stack.backend)
        try:
            handlers.update(_handlers(stack))
            yield stack
        finally:
            bootstrap.use_backend(None)


def _handlers(stack: Stack) -> dict[str, moto_faults.Handler]:
    found = {
        name: load_module(TEMPLATE.parent / "functions" / folder / "app.py").lambda_handler
        for name, folder in _FUNCTIONS.items()
    }
    edit = found["EditBatch"]

    def edit_batch(event: dict[str, Any], context: object) -> Any:
        if event.get("died"):
            stack.given_up.append(event)
        else:
            stack.calls.append(event)
            stack.before(event)
        return edit(event, context)

    return {**found, "EditBatch": edit_batch}


def _backend(machine: str, limits: PlannerLimits, config: Config | None) -> Backend:
    dynamodb = boto3.client("dynamodb", REGION, config=config)
    return Backend(
        objects=S3Store(boto3.client("s3", REGION, config=config), BUCKET),
        index=dynamo_index(dynamodb, "index"),
        jobs=DynamoJobRecords(dynamodb, "index"),
        runner=StepFunctionsRunner(boto3.client("stepfunctions", REGION), machine),
        uploads=Uploads(
            DynamoUploadRecords(dynamodb, "index"),
            S3UploadDoor(boto3.client("s3", REGION, config=config), BUCKET, session_end=lambda: None),
        ),
        settings=Settings(),
        planner_limits=limits,
        now=lambda: datetime.now(UTC),
        new_token=secrets.token_bytes,
    )


def _create_function(name: str) -> str:
    role = _create_role(name)
    function = boto3.client("lambda", REGION).create_function(
        FunctionName=name, Runtime="python3.13", Role=role, Handler="app.f", Code={"ZipFile": b"0"}
    )
    return str(function["FunctionArn"])


def _create_role(name: str) -> str:
    role = boto3.client("iam", REGION).create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
    return str(role["Arn"])


def _create_stores() -> None:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb", REGION).create_table(TableName="index", **index_schema())


def _create_machine(substitutions: dict[str, str], *, timeout: int | None = None) -> str:
    definition = (Path(TEMPLATE).parent / "statemachines/modification.asl.json").read_text()
    for name, value in substitutions.items():
        assert f"${{{name}}}" in definition
        definition = definition.replace(f"${{{name}}}", value)
    assert "${" not in definition
    if timeout is not None:
        definition = re.sub(r'"TimeoutSeconds": \d+', f'"TimeoutSeconds": {timeout}', definition)
    machine = boto3.client("stepfunctions", REGION).create_state_machine(
        name="modification",
        definition=moto_faults.parseable(definition),
        roleArn=_create_role("workflow"),
    )
    return str(machine["stateMachineArn"])
