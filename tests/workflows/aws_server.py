"""The steps of a job called one by one, on a mocked S3 and DynamoDB."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from moto.backends import get_backend

from dicomorph.aws.index.roles import dynamo_index
from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.aws.objects.store import S3Store
from dicomorph.aws.uploads.door import S3UploadDoor
from dicomorph.aws.uploads.records import DynamoUploadRecords
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.settings import Settings
from dicomorph.services.backend import Backend, Uploads
from tests.support.idle_runner import IdleRunner
from tests.workflows import moto_faults, stack
from tests.workflows.embedded import Server

_ACCOUNT = "123456789012"


@contextmanager
def aws_server(**settings: Any) -> Iterator[tuple[Server, tuple[Any, Any]]]:
    """Give a server whose batches have two instances, and its clients of S3 and DynamoDB.

    It takes a second to start; `clear` and other settings make a new one of it.
    """
    with moto_faults.aws():
        stack._create_stores()
        s3, dynamodb = boto3.client("s3", stack.REGION), boto3.client("dynamodb", stack.REGION)
        backend = Backend(
            objects=S3Store(s3, stack.BUCKET),
            # One call after the other: what comes before a crash is the same each time.
            index=dynamo_index(dynamodb, "index", concurrency=1),
            jobs=DynamoJobRecords(dynamodb, "index"),
            runner=IdleRunner(),
            uploads=Uploads(
                DynamoUploadRecords(dynamodb, "index"),
                S3UploadDoor(s3, stack.BUCKET, session_end=lambda: None),
            ),
            settings=Settings(**settings),
            planner_limits=PlannerLimits(batch_instances=2, small_job_instances=0),
            now=lambda: datetime.now(UTC),
            new_token=secrets.token_bytes,
        )
        yield Server(backend), (s3, dynamodb)


def clear() -> None:
    """Forget everything that is stored: moto copies its table for each transaction."""
    get_backend("dynamodb")[_ACCOUNT][stack.REGION].tables["index"].items.clear()
    get_backend("s3")[_ACCOUNT]["aws"].buckets[stack.BUCKET].keys.clear()
