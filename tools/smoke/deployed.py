"""The stack on AWS, seen from beside its API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tools.smoke.client import Signer


@dataclass(frozen=True)
class Deployed:
    """A stack by its name.

    Parameters
    ----------
    outputs : dict[str, str]
        Of the stack.
    parameters : dict[str, str]
        As it was deployed with them.
    resources : dict[str, str]
        The names of its resources in the account, by those of the template.
    """

    name: str
    session: boto3.Session
    outputs: dict[str, str]
    parameters: dict[str, str]
    resources: dict[str, str]

    @classmethod
    def of(cls, name: str, session: boto3.Session) -> Deployed:
        """Look a stack up."""
        cloud = session.client("cloudformation")
        (stack,) = cloud.describe_stacks(StackName=name)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
        parameters = {
            one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", ())
        }
        pages = cloud.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = {
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
            for page in pages
            for one in page["StackResourceSummaries"]
        }
        return cls(name, session, outputs, parameters, resources)

    @property
    def status(self) -> str:
        """What CloudFormation says of it; empty if it is gone."""
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except ClientError:
            return ""
        return str(stack["StackStatus"])

    def client(self, service: str) -> Any:
        """Return a client of a service of AWS."""
        return self.session.client(service)  # type: ignore[call-overload]

    def signer(self, session: boto3.Session | None = None) -> Signer:
        """Return what signs requests to the API, with credentials that are renewed."""
        used = session or self.session
        credentials = used.get_credentials()
        if credentials is None:
            raise SystemExit(
                "AWS did not let you in: run 'aws configure sso' or 'aws configure', or set AWS_PROFILE."
            )

        def sign(method: str, address: str, body: bytes) -> dict[str, str]:
            request = AWSRequest(method, address, data=body)
            SigV4Auth(credentials, "execute-api", self.session.region_name).add_auth(request)
            return {name: str(value) for name, value in request.headers.items()}

        return sign

    def named(self, ending: str) -> list[str]:
        """Return the names, in the template, of resources that end alike."""
        return [name for name in self.resources if name.endswith(ending)]

    def logged(self, pattern: str, since: float, *, groups: list[str] | None = None) -> list[str]:
        """Return lines of logs in which a pattern was found."""
        logs = self.client("logs")
        found: list[str] = []
        for group in groups or [name for name in self.outputs["LogGroupNames"].split(",") if name]:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=pattern, startTime=int(since * 1000)
            )
            found += [event["message"] for page in pages for event in page["events"]]
        return found

    def map_items(self, job: str) -> str:
        """Say what became of the items of a job's map.

        Raises
        ------
        RuntimeError
            If one failed.
        """
        machine = self.outputs["ModificationWorkflowArn"].replace(":stateMachine:", ":execution:")
        client = self.client("stepfunctions")
        runs = client.list_map_runs(executionArn=f"{machine}:{job}")["mapRuns"]
        counts = [client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"] for run in runs]
        for one in counts:
            if one["failed"] or one["timedOut"] or one["aborted"]:
                raise RuntimeError(f"items of the map: {one}")
        return f"{len(runs)} map runs, {sum(one['succeeded'] for one in counts)} items"

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """Let so many batches be edited at a time, for a while.

        Raises
        ------
        ClientError
            If the account has none to reserve.
        """
        client = self.client("lambda")
        function = self.resources["EditBatchFunction"]
        before = client.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions")
        client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=count)
        try:
            yield
        finally:
            if before is None:
                client.delete_function_concurrency(FunctionName=function)
            else:
                client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=before)

    def stored(self, prefix: str) -> list[str]:
        """Return the first keys of the stack's bucket that start alike."""
        found = self.client("s3").list_objects_v2(Bucket=self.outputs["DicomBucketName"], Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", ())]

    @contextmanager
    def one_request_a_second(self) -> Iterator[None]:
        """Let the API take a request a second, for a while."""
        client, api = self.client("apigateway"), self.resources["Api"]
        held = client.get_stage(restApiId=api, stageName="v1").get("methodSettings", {}).get("*/*", {})
        before = held.get("throttlingRateLimit", 500.0), held.get("throttlingBurstLimit", 1000)
        self._throttle(client, api, 1, 1)
        try:
            time.sleep(_TO_TAKE_EFFECT)
            yield
        finally:
            self._throttle(client, api, *before)
            time.sleep(_TO_TAKE_EFFECT)

    def _throttle(self, client: Any, api: str, rate: float, burst: int) -> None:
        changes = {"rateLimit": rate, "burstLimit": burst}
        client.update_stage(
            restApiId=api,
            stageName="v1",
            patchOperations=[
                {"op": "replace", "path": f"/*/*/throttling/{name}", "value": f"{value:g}"}
                for name, value in changes.items()
            ],
        )


_TO_TAKE_EFFECT = 20.0  # seconds that API Gateway takes to spread a change
