"""The handlers of the API on files and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from dicomorph import bootstrap
from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import Environment
from dicomorph.embedded.backend import embedded_backend
from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.settings import Settings
from tests.support.api_client import Client, Clock, InlineRunner
from tests.support.index_schema import index_schema
from tests.support.quick_moto import quick_aws


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runner() -> InlineRunner:
    return InlineRunner()


@pytest.fixture
def make_client(tmp_path: Path, clock: Clock, runner: InlineRunner) -> Iterator[Callable[..., Client]]:
    """Return a function that starts a server with settings."""
    stores: list[FileStore] = []

    def make(**settings: Any) -> Client:
        found = Settings(**{"sync_storage_area": False, **settings})  # what is slow is tested elsewhere
        backend = embedded_backend(tmp_path, found, epoch=None, runner=runner)
        backend = replace(backend, now=clock)
        runner.backend = backend
        bootstrap.use_backend(backend)
        assert isinstance(backend.objects, FileStore)
        stores.append(backend.objects)
        return Client(backend, tmp_path)

    yield make
    bootstrap.use_backend(None)
    for store in stores:
        store.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()


@pytest.fixture
def aws_client(tmp_path: Path, runner: InlineRunner) -> Iterator[Client]:
    """A server on S3 and DynamoDB."""
    with quick_aws(), _aws_environment() as environment:
        backend = replace(aws_backend(environment), runner=runner)
        runner.backend = backend
        bootstrap.use_backend(backend)
        yield Client(backend, tmp_path)
        bootstrap.use_backend(None)


@contextmanager
def _aws_environment() -> Iterator[Environment]:
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    s3.create_bucket(Bucket="dicom", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="dicom", VersioningConfiguration={"Status": "Enabled"})
    dynamodb.create_table(TableName="index", **index_schema())
    yield Environment("index", "dicom", "")
    s3.close()
    dynamodb.close()
