"""The records of jobs in the table of the index (keys: `dicomorph.aws.dynamodb.keys`).

A record is compressed JSON, in pieces where it exceeds an item. Beside it stands one small
item in the partition ``Jobs`` that says whether the job is alive, written by the same
transaction: one query lists the jobs, and nothing lags.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dicomorph.aws.dynamodb.expressions import ABSENT, Condition
from dicomorph.aws.dynamodb.keys import JOBS, SOLE, Item, job_partition, key
from dicomorph.aws.dynamodb.table import Table, attempts, won
from dicomorph.jobs import record
from dicomorph.jobs.model import Job
from dicomorph.model.errors import ConflictError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PIECE = 350_000  # bytes; an item holds 400 KB


class DynamoJobRecords:
    """The port `JobRecords` over a DynamoDB table.

    Parameters
    ----------
    client : DynamoDBClient
        A low-level client that retries throttled calls.
    table_name : str
        The table of the index.
    """

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def create(self, job: Job, *, request: bytes = b"") -> None:  # noqa: ARG002 - S3 keeps it, whatever its size
        """Write a new record; writing the same one again is harmless."""
        for _ in attempts():
            if won(lambda: self._write(job, ABSENT)):
                return
            held = self.get(job.id)
            if held is not None and held.key != job.key:  # the secret is drawn anew for each job
                raise ConflictError("Another job has this id")
            if held is not None:
                return

    def get(self, job_id: str) -> Job | None:
        """Return a record as last written, None if there is none."""
        for _ in attempts():
            pieces = list(self._table.query(job_partition(job_id)))
            if not pieces:
                break
            head = pieces[0]
            body = pieces[: int(head["Pieces"]["N"])]
            if all(piece["Revision"] == head["Revision"] for piece in body):  # not amid an update
                return _decode(b"".join(piece["Body"]["B"] for piece in body))
        return None

    def request(self, job_id: str) -> bytes | None:  # noqa: ARG002 - see `create`
        """Return nothing."""
        return None

    def all(self) -> list[Job]:
        """Return every record, by creation time."""
        ids = [item["SK"]["S"] for item in self._table.query(JOBS)]
        jobs = [job for job in self._table.each(self.get, ids) if job is not None]
        return sorted(jobs, key=lambda job: (job.created, job.id))

    def update(self, job: Job) -> Job:
        """Replace the record that was read as `job.revision`; return it with the next one."""
        updated = replace(job, revision=job.revision + 1)
        held = Condition("Revision = :revision", {":revision": {"N": str(job.revision)}})
        if not won(lambda: self._write(updated, held)):
            raise ConflictError("The job was updated by somebody else")
        return updated

    def delete(self, job_id: str) -> None:
        """Forget a job; unknown ids are ignored."""
        for _ in attempts():
            pieces = list(self._table.query(job_partition(job_id)))
            keys = [key(JOBS, job_id), *({"PK": piece["PK"], "SK": piece["SK"]} for piece in pieces)]
            if won(lambda: self._table.transact([("Delete", {"Key": one}) for one in keys])):  # noqa: B023
                return

    def any_alive(self) -> bool:
        """Tell whether a job may still read its sources."""
        return any(item["Alive"]["BOOL"] for item in self._table.query(JOBS))

    def _write(self, job: Job, condition: Condition) -> None:
        data = _encode(job)
        bodies = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]
        revision = {"Revision": {"N": str(job.revision)}}
        items: list[Item] = [
            {
                **key(job_partition(job.id), f"{number:02}" if number else SOLE),  # the head sorts first
                **revision,
                "Pieces": {"N": str(len(bodies))},
                "Body": {"B": body},
            }
            for number, body in enumerate(bodies)
        ]
        alive = {**key(JOBS, job.id), "Alive": {"BOOL": not job.state.is_final}}
        head = {"Item": items[0], **condition.arguments}
        rest = [("Put", {"Item": item}) for item in [*items[1:], alive]]
        self._table.transact([("Put", head), *rest])


def _encode(job: Job) -> bytes:
    return zlib.compress(json.dumps(record.encode(job), separators=(",", ":")).encode())


def _decode(data: bytes) -> Job:
    return record.decode(json.loads(zlib.decompress(data)))
