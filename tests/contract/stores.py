"""Builders of the adapters that the contract suites run on, and of what they store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.aws.objects.store import S3Store
from dicomorph.aws.uploads.records import DynamoUploadRecords
from dicomorph.embedded.jobs.records import SqliteJobRecords
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.sqlite.database import Database
from dicomorph.embedded.uploads.records import SqliteUploadRecords
from dicomorph.ports.jobs import JobRecords
from dicomorph.ports.objects import ObjectStore
from dicomorph.ports.uploads import UploadRecords
from tests.contract.indexes import make_table, taking_turns
from tests.support.quick_moto import quick_aws
from tests.support.second_dynamodb import second_dynamodb

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

OBJECT_STORES = ("files", "s3")
JOB_RECORDS = ("sqlite", "dynamodb")
REGION: Final = "eu-central-1"
_numbers = count()


_ONCE = Config(retries={"mode": "standard", "max_attempts": 1})  # a refusal is to be seen, not waited out


@contextmanager
def s3_client() -> Iterator[S3Client]:
    """Give a client of an S3 in this process."""
    with quick_aws(empty_partitions=True):
        client = boto3.client("s3", region_name=REGION, config=_ONCE)
        yield client
        client.close()


@contextmanager
def dynamodb_client() -> Iterator[DynamoDBClient]:
    """Give a client of a DynamoDB in this process."""
    with quick_aws(empty_partitions=True):
        client = boto3.client("dynamodb", region_name=REGION, config=_ONCE)
        yield client
        client.close()


@contextmanager
def second_dynamodb_client() -> Iterator[DynamoDBClient]:
    """Give a client of a second implementation of DynamoDB (``--second``)."""
    with second_dynamodb(REGION, _ONCE) as client:
        yield client


def make_bucket(client: S3Client) -> str:
    """Return a new versioned bucket."""
    bucket = f"dicom-{next(_numbers)}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def make_object_store(adapter: str, folder: Path, client: S3Client) -> ObjectStore:
    """Return an empty store."""
    if adapter == "s3":
        return S3Store(client, make_bucket(client))
    return FileStore(folder / "data")


def make_job_records(adapter: str, folder: Path, client: DynamoDBClient) -> JobRecords:
    """Return empty records."""
    if adapter == "dynamodb":
        return DynamoJobRecords(taking_turns(client), make_table(client))
    return SqliteJobRecords(Database(folder / "index.db", epoch=None))


def make_upload_records(adapter: str, folder: Path, client: DynamoDBClient) -> UploadRecords:
    """Return empty records."""
    if adapter == "dynamodb":
        return DynamoUploadRecords(taking_turns(client), make_table(client))
    return SqliteUploadRecords(Database(folder / "index.db", epoch=None))
