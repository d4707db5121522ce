"""Stores that an earlier version has filled, with jobs in flight, are read by this one."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from dicomorph.aws.dynamodb.keys import Item
from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.embedded.jobs.records import SqliteJobRecords
from dicomorph.embedded.sqlite.database import Database
from dicomorph.jobs.model import Job, JobState, JobType
from dicomorph.model.resources import Level
from dicomorph.ports.jobs import JobRecords
from tests.contract.indexes import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# What versions have written of one job, letter by letter, in the order of their fields.
_START = (
    '{"id":"4f1c0d9e-0000-4000-8000-000000000001","type":"ResourceModification","is_anonymization":true,'
    '"level":"Series",'
)
_KEY = (
    '"key":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
    '"created":"2025-11-30T22:59:14.000001+00:00",'
)
_MIDDLE = (
    '"name":"Anonymized7","default_encoding":"Utf8","keep_source":false,"permissive":true,"priority":-3,'
    '"user_data":{"nested":[null,true,1.5,"Zo\\u00eb"]},"state":"Running",'
    '"started":"2025-11-30T22:59:15.000000+00:00","completed":"","error_code":0,"error_details":"",'
)
_CONTENT = '{"Description":"REST API","InstancesCount":12}'
_ATTEMPT = (
    '"attempt":2,"execution":3,"is_ending":true,"queued":"2025-11-30T22:59:14.500000+00:00","runtime":2.25'
)

_FIRST = Job(
    id="4f1c0d9e-0000-4000-8000-000000000001",
    type=JobType.RESOURCE_MODIFICATION,
    is_anonymization=True,
    level=Level.SERIES,
    key=bytes(range(32)),
    created="2025-11-30T22:59:14.000001+00:00",
    name="Anonymized7",
    default_encoding="Utf8",
    keep_source=False,
    permissive=True,
    priority=-3,
    user_data={"nested": [None, True, 1.5, "Zoë"]},
    state=JobState.RUNNING,
    started="2025-11-30T22:59:15.000000+00:00",
    content={"Description": "REST API", "InstancesCount": 12},
    batches=12,
    revision=9,
)
_BULK = replace(_FIRST, is_bulk=True)
_TARGETED = replace(_BULK, target="research")
_REPEATED = replace(
    _TARGETED,
    caller="alice",
    attempt=2,
    execution=3,
    is_ending=True,
    queued="2025-11-30T22:59:14.500000+00:00",
    runtime=2.25,
)


class _Written(NamedTuple):
    """What a version has written: the JSON on AWS, the column ``record``, and the job as it knew it."""

    dynamodb: str
    sqlite: str
    job: Job


def _written(job: Job, end: str) -> _Written:
    """Return the forms of a job since there are bulk jobs."""
    return _Written(
        f'{_START}{_KEY}"is_bulk":true,{_MIDDLE}"content":{_CONTENT},{end},"revision":9}}',
        f'{_START}"is_bulk":true,{_KEY}{_MIDDLE}{end}}}',
        job,
    )


_RESOURCES = '"resources":["6816cb19-844d5aee-85245eba-28e841e6-2414fae2"],'
_VERSIONS: Final = {
    "first": _Written(
        f'{_START}{_RESOURCES}{_KEY}{_MIDDLE}"content":{_CONTENT},"batches":12,"revision":9}}',
        f'{_START}{_RESOURCES}{_KEY}{_MIDDLE}"batches":12}}',
        _FIRST,
    ),
    "with bulk jobs": _written(_BULK, '"batches":12'),
    "with targets": _written(_TARGETED, '"target":"research","batches":12'),
    "with attempts": _written(_REPEATED, f'"target":"research","caller":"alice","batches":12,{_ATTEMPT}'),
    "last before the codec": _written(
        replace(_REPEATED, plan="9a0b", is_forgotten=True),
        f'"target":"research","caller":"alice","plan":"9a0b","batches":12,{_ATTEMPT},"is_forgotten":true',
    ),
}


def _check(records: JobRecords, job: Job) -> None:
    assert records.get(job.id) == job
    assert records.all() == [job]
    assert records.any_alive()
    records.create(job)  # a retried submission is still the same one
    updated = records.update(job)
    assert (updated.revision, records.get(job.id)) == (10, updated)


@pytest.mark.parametrize("version", _VERSIONS)
def test_rows_are_read(tmp_path: Path, version: str) -> None:
    _, record, job = _VERSIONS[version]
    database = Database(tmp_path / "index.db", epoch=None)
    with database.write() as connection:
        connection.execute(
            "INSERT INTO job (id, created, is_final, revision, record, content) VALUES (?, ?, 0, 9, ?, ?)",
            (job.id, job.created, record, _CONTENT),
        )
    _check(SqliteJobRecords(database), job)
    database.close()


@pytest.mark.parametrize("version", _VERSIONS)
def test_items_are_read(dynamodb: DynamoDBClient, version: str) -> None:
    record, _, job = _VERSIONS[version]
    table = make_table(dynamodb)
    items: list[Item] = [
        {
            "PK": {"S": f"Job#{job.id}"},
            "SK": {"S": "-"},
            "Revision": {"N": "9"},
            "Pieces": {"N": "1"},
            "Body": {"B": zlib.compress(record.encode())},
        },
        {"PK": {"S": "Jobs"}, "SK": {"S": job.id}, "Alive": {"BOOL": True}},
    ]
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
    _check(DynamoJobRecords(dynamodb, table), job)
