"""The stack of the template on a mocked AWS, each function with the clients of a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.backends import get_backend

from dicomorph import bootstrap
from dicomorph.aws.arrivals.ingestion import Ingestion
from dicomorph.aws.backend import aws_backend, aws_ingestion, aws_sweeper
from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.environment import read_environment
from dicomorph.services.backend import Backend
from dicomorph.services.sweeping.sweeper import Sweeper
from local.functions import load_module
from local.template import TEMPLATE
from tests.support.api_client import Answer, Client
from tests.support.call_recorder import CallRecorder
from tests.support.template_values import ACCOUNT, REGION, TemplateValues
from tests.workflows import moto_faults, stack

_Argument = TypeVar("_Argument")
_Answer = TypeVar("_Answer")

NAMES = {
    "DicomBucket": stack.BUCKET,
    "IndexTable": "index",
    "ModificationWorkflow": "modification",
    **{f"{name}Function": name for name in stack._FUNCTIONS},
}
"""What the stack of the workflow tests calls its resources."""


class RecordedStack(Client):
    """A client of all functions that writes down which permissions each of them needs.

    Parameters
    ----------
    backends : Mapping[str, Backend]
        One a function, by the name of its folder.
    admin : Backend
        Unrecorded: prepares what functions meet.
    variables : Mapping[str, Mapping[str, str]]
        The environments of the functions that are more than their backend, by the name of their folder.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        admin: Backend,
        recorder: CallRecorder,
        variables: Mapping[str, Mapping[str, str]],
    ) -> None:
        super().__init__(admin, Path())
        self.recorder = recorder
        self._variables = variables
        self.called: set[tuple[str, str]] = set()
        self.succeeded: set[tuple[str, str]] = set()
        self._backends = backends
        self._changes: dict[str, Any] = {}

    @contextmanager
    def changed(self, **changes: Any) -> Iterator[None]:
        """Change a port, the settings or the limits of all functions for a while."""
        before, self._changes = self._changes, {**self._changes, **changes}
        try:
            yield
        finally:
            self._changes = before

    @contextmanager
    def broken(self, operation: str, *, when: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Let no call of an operation through for a while, as long as something holds."""

        def refuse() -> None:
            if when():
                raise EndpointConnectionError(endpoint_url="https://aws")

        with self._hooked(operation, refuse):
            yield

    @contextmanager
    def meanwhile(self, operation: str, event: Callable[[], object]) -> Iterator[None]:
        """Let something happen before the next call of an operation."""

        def happen() -> None:
            del self.recorder.hooks[operation]
            event()

        with self._hooked(operation, happen):
            yield

    @contextmanager
    def _hooked(self, operation: str, hook: Callable[[], None]) -> Iterator[None]:
        self.recorder.hooks[operation] = hook
        try:
            yield
        finally:
            self.recorder.hooks.pop(operation, None)

    def send(self, function: str, event: dict[str, Any]) -> Answer:
        """Call a function; remember the route, and whether it did what was asked."""
        route = (event["httpMethod"], event["resource"])
        self.called.add(route)
        answer = super().send(function, event)
        if answer.status == HTTPStatus.OK:
            self.succeeded.add(route)
        return answer

    def module(self, function: str) -> Any:
        """Return the module of a function, which has its own backend as on Lambda."""
        if function not in self._modules:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bootstrap, "get_backend", partial(self._backend_of, function))
                patch.setattr(bootstrap, "get_ingestion", self._ingestion)
                patch.setattr(bootstrap, "get_sweeper", self._sweeper)
                self._modules[function] = load_module(TEMPLATE.parent / "functions" / function / "app.py")
        return self._modules[function]

    def invoke(self, function: str, event: dict[str, Any], context: object = None) -> Any:
        """Call a task of the workflow."""
        return self.module(function).lambda_handler(event, context)

    def clear(self) -> None:
        """Empty the table: moto copies all of it for each transaction."""
        get_backend("dynamodb")[ACCOUNT][REGION].tables["index"].items.clear()

    def lose(self, prefix: str) -> None:
        """Remove objects with all their versions, as the bucket's lifecycle rules do."""
        s3 = boto3.client("s3")
        found = s3.list_object_versions(Bucket=stack.BUCKET, Prefix=prefix)
        for version in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=stack.BUCKET, Key=version["Key"], VersionId=version["VersionId"])

    def _backend_of(self, function: str) -> Backend:
        return replace(self._backends[function], **self._changes)

    def _sweeper(self) -> Sweeper:
        environment = read_environment(self._variables["sweep"])
        with recording("SweepFunction", self.recorder):
            return aws_sweeper(environment, self._backend_of("sweep"))

    def _ingestion(self) -> Ingestion:
        """Return what takes in arrivals, made anew each time: it remembers its backend."""
        with recording("IngestFunction", self.recorder):
            return aws_ingestion(
                read_environment(self._variables["ingest"]), partial(self._backend_of, "ingest")
            )


@contextmanager
def recorded_stack(template: Mapping[str, Any]) -> Iterator[RecordedStack]:
    """Deploy the stores and the workflow; functions have the environment that the template gives them."""
    values = TemplateValues(template, NAMES)
    functions = {
        Path(resource["Properties"]["CodeUri"]).name: (name, resource["Properties"])
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    handlers: dict[str, moto_faults.Handler] = {}
    with moto_faults.aws(handlers), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "each", _one_after_the_other)  # so that the caller is on the stack of each call
        patch.setattr("dicomorph.services.jobs.waiting._FIRST_PAUSE", 0.05)  # each look takes from the job
        _deploy_workflow()
        recorder = CallRecorder(customer_keys(template, values))
        backends = {
            folder: recorded_backend(name, variables_of(template, properties, values), recorder)
            for folder, (name, properties) in functions.items()
        }
        everything = {
            "INDEX_TABLE_NAME": "index",
            "DICOM_BUCKET_NAME": stack.BUCKET,
            "MODIFICATION_WORKFLOW_ARN": values.arn("ModificationWorkflow"),
        }
        boto3.client("sqs").create_queue(QueueName="ArrivalQueue")
        deployed = RecordedStack(
            backends,
            aws_backend(read_environment(everything)),
            recorder,
            {name: variables_of(template, functions[name][1], values) for name in ("ingest", "sweep")},
        )
        handlers.update(
            {name: deployed.module(folder).lambda_handler for name, folder in stack._FUNCTIONS.items()}
        )
        yield deployed


def _one_after_the_other(
    _: Table, function: Callable[[_Argument], _Answer], arguments: Sequence[_Argument]
) -> list[_Answer]:
    return [function(argument) for argument in arguments]


def customer_keys(template: Mapping[str, Any], values: TemplateValues) -> dict[str, str]:
    """Return the ARNs of the keys that the stores are encrypted with, unless AWS manages them."""
    resources = template["Resources"]
    bucket = resources["DicomBucket"]["Properties"]["BucketEncryption"]
    [rule] = bucket["ServerSideEncryptionConfiguration"]
    of_bucket = values.of(rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID"))
    of_table = values.of(resources["IndexTable"]["Properties"]["SSESpecification"].get("KMSMasterKeyId"))
    of_queue = values.of(resources["ArrivalQueue"]["Properties"].get("KmsMasterKeyId"))
    found = {"s3": of_bucket, "dynamodb": of_table, "sqs": of_queue}
    return {service: key for service, key in found.items() if isinstance(key, str)}


def _deploy_workflow() -> None:
    stack._create_stores()
    arns = {f"{name}FunctionArn": stack._create_function(name) for name in stack._FUNCTIONS}
    stack._create_machine({**arns, "DicomBucketName": stack.BUCKET})


def variables_of(
    template: Mapping[str, Any], properties: Mapping[str, Any], values: TemplateValues
) -> dict[str, str]:
    """Return the environment that a function is given."""
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    own = properties.get("Environment", {}).get("Variables", {})
    return {name: str(value) for name, value in values.of({**shared, **own}).items()}


def recorded_backend(principal: str, variables: Mapping[str, str], recorder: CallRecorder) -> Backend:
    """Return the backend of a function whose calls are written down."""
    with recording(principal, recorder):
        # One document at a time, so that the caller is on the stack of each call.
        backend = replace(aws_backend(read_environment(variables)), documents_at_once=1)
        for made_when_used in ("records", "door"):
            getattr(backend.uploads, made_when_used)
        return backend


@contextmanager
def recording(principal: str, recorder: CallRecorder) -> Iterator[None]:
    """Let the calls of all clients that are made meanwhile be written down."""
    make_client = boto3.client

    def recorded_client(*args: Any, **options: Any) -> Any:
        client = make_client(*args, **options)
        recorder.attach(client, principal)
        return client

    recorder.needs.setdefault(principal, set())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "client", recorded_client)
        yield
