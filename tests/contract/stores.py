"""Builders of the adapters that the contract suites run on, and of what they store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from moto import mock_aws

from dicomorph.storage.base import ObjectStore
from dicomorph.storage.files import FileStore
from dicomorph.storage.s3 import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OBJECT_STORES = ("files", "s3")
REGION = "eu-central-1"
_buckets = count()


@contextmanager
def s3_client() -> Iterator[S3Client]:
    """Give a client of an S3 in this process."""
    with mock_aws():
        client = boto3.client(
            "s3", region_name=REGION, config=Config(retries={"mode": "standard", "max_attempts": 1})
        )
        yield client
        client.close()


def make_bucket(client: S3Client) -> str:
    """Return a new versioned bucket."""
    bucket = f"dicom-{next(_buckets)}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def make_object_store(adapter: str, folder: Path, client: S3Client) -> ObjectStore:
    """Return an empty store."""
    if adapter == "s3":
        return S3Store(client, make_bucket(client))
    return FileStore(folder / "data")
