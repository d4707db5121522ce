"""The records of jobs in SQLite."""

from __future__ import annotations

import json
from dataclasses import replace

from dicomorph.embedded.sqlite.database import Database
from dicomorph.jobs import record
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import ConflictError

_SELECT = "SELECT revision, record, content FROM job"


class SqliteJobRecords:
    """The port `JobRecords` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, job: Job, *, request: bytes = b"") -> None:
        """Write a new record, and what was asked; writing the same one again is harmless."""
        with self._database.write() as connection:
            held = connection.execute(f"{_SELECT} WHERE id = ?", (job.id,)).fetchone()
            if held is None:
                connection.execute(
                    "INSERT INTO job (id, created, is_final, revision, record, content)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (job.id, job.created, job.state.is_final, job.revision, *_encode(job)),
                )
                if request:
                    connection.execute("INSERT INTO job_request VALUES (?, ?)", (job.id, request))
            elif _decode(held).key != job.key:  # the secret is drawn anew for each job
                raise ConflictError("Another job has this id")

    def get(self, job_id: str) -> Job | None:
        """Return a record as last written, None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(f"{_SELECT} WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else _decode(row)

    def request(self, job_id: str) -> bytes | None:
        """Return what was asked; jobs of earlier versions have it in their folder only."""
        with self._database.read() as connection:
            row = connection.execute("SELECT document FROM job_request WHERE job = ?", (job_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def all(self) -> list[Job]:
        """Return every record, by creation time."""
        with self._database.read() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY created, id").fetchall()
        return [_decode(row) for row in rows]

    def update(self, job: Job) -> Job:
        """Replace the record that was read as `job.revision`; return it with the next one."""
        updated = replace(job, revision=job.revision + 1)
        # Who stops a job relies on it: it does not go on, and delete its sources, after a power cut.
        is_stopped = job.state in (JobState.PAUSED, JobState.FAILURE)
        with self._database.write(durable=is_stopped) as connection:
            count = connection.execute(
                "UPDATE job SET is_final = ?, revision = ?, record = ?, content = ?"
                " WHERE id = ? AND revision = ?",
                (job.state.is_final, updated.revision, *_encode(updated), job.id, job.revision),
            ).rowcount
            if count == 0:
                raise ConflictError("The job was updated by somebody else")
        return updated

    def delete(self, job_id: str) -> None:
        """Forget a job; unknown ids are ignored."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM job WHERE id = ?", (job_id,))

    def any_alive(self) -> bool:
        """Tell whether a job may still read its sources."""
        with self._database.read() as connection:
            row = connection.execute("SELECT EXISTS (SELECT 1 FROM job WHERE NOT is_final)").fetchone()
        return bool(row[0])


def _encode(job: Job) -> tuple[str, str]:
    """Return the columns ``record`` and ``content``."""
    fields = record.encode(job)
    content = fields.pop("content")
    del fields["revision"]  # a column of its own, which statements compare
    return _dump(fields), _dump(content)


def _decode(row: tuple[int, str, str]) -> Job:
    revision, fields, content = row
    return record.decode({**json.loads(fields), "content": json.loads(content), "revision": revision})


def _dump(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
