"""The adapters, each test getting empty ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomorph.aws.dynamodb import keys
from dicomorph.embedded.jobs.records import SqliteJobRecords
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.uploads.records import SqliteUploadRecords
from dicomorph.ports.index import Index
from dicomorph.ports.jobs import JobRecords
from dicomorph.ports.objects import ObjectStore
from dicomorph.ports.uploads import UploadRecords
from tests.contract.indexes import FIRST_DIGITS, INDEXES, make_index
from tests.contract.stores import (
    JOB_RECORDS,
    OBJECT_STORES,
    dynamodb_client,
    make_job_records,
    make_object_store,
    make_upload_records,
    s3_client,
    second_dynamodb_client,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Client]:
    with s3_client() as client:
        yield client


@pytest.fixture(scope="module")
def dynamodb(request: pytest.FixtureRequest) -> Iterator[DynamoDBClient]:
    is_second = request.config.getoption("second")
    with second_dynamodb_client() if is_second else dynamodb_client() as client:
        yield client


@pytest.fixture(params=OBJECT_STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Client) -> Iterator[ObjectStore]:
    store = make_object_store(request.param, tmp_path, s3)
    yield store
    if isinstance(store, FileStore):
        store.close()


@pytest.fixture(params=["nameless", "aside"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the file system as it is, and as one that has no nameless files."""
    if request.param == "aside":
        monkeypatch.setattr("dicomorph.embedded.objects.store.can_be_nameless", lambda _: False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a store of files."""
    return tmp_path / "data"


@pytest.fixture(params=JOB_RECORDS)
def records(request: pytest.FixtureRequest, tmp_path: Path, dynamodb: DynamoDBClient) -> Iterator[JobRecords]:
    records = make_job_records(request.param, tmp_path, dynamodb)
    yield records
    if isinstance(records, SqliteJobRecords):
        records._database.close()


@pytest.fixture(params=JOB_RECORDS)
def upload_records(
    request: pytest.FixtureRequest, tmp_path: Path, dynamodb: DynamoDBClient
) -> Iterator[UploadRecords]:
    records = make_upload_records(request.param, tmp_path, dynamodb)
    yield records
    if isinstance(records, SqliteUploadRecords):
        records._database.close()


@pytest.fixture(params=INDEXES)
def index(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    dynamodb: DynamoDBClient,
    monkeypatch: pytest.MonkeyPatch,
) -> Index:
    monkeypatch.setattr(keys, "SHARDS", FIRST_DIGITS)  # of the ids in the suite: spare the other queries
    return make_index(request.param, tmp_path, dynamodb)
