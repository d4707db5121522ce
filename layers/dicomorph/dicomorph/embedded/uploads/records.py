"""The records of uploads in SQLite."""

from __future__ import annotations

import json

from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.uploads import Outcome, Upload, UploadState, decode, encode, encode_outcome


class SqliteUploadRecords:
    """The port `UploadRecords` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, upload: Upload) -> None:
        """Write a record; drop those whose time is over."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM upload WHERE forgotten <= ?", (upload.created,))
            connection.execute(
                "INSERT OR IGNORE INTO upload (id, forgotten, expires, reached, record)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    upload.id,
                    upload.forgotten,
                    upload.expires,
                    UploadState.PENDING.rank,
                    _dump(encode(upload)),
                ),
            )

    def get(self, upload_id: str) -> Upload | None:
        """Return a record as last written, None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT record, expires, outcome FROM upload WHERE id = ?", (upload_id,)
            ).fetchone()
        if row is None:
            return None
        record, expires, outcome = row
        return decode(
            json.loads(record), expires=expires, outcome=None if outcome is None else json.loads(outcome)
        )

    def settle(self, upload_id: str, outcome: Outcome) -> None:
        """Write what became of an upload, unless it is known to have come as far."""
        rank = outcome.state.rank
        with self._database.write() as connection:
            connection.execute(
                "UPDATE upload SET reached = ?, outcome = ? WHERE id = ? AND reached < ?",
                (rank, _dump(encode_outcome(outcome)), upload_id, rank),
            )

    def prolong(self, upload_id: str, *, expires: str) -> None:
        """Write until when sending may begin, unless that is longer already."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE upload SET expires = ? WHERE id = ? AND expires < ?", (expires, upload_id, expires)
            )

    def delete(self, upload_id: str) -> None:
        """Forget an upload; unknown ids are ignored."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM upload WHERE id = ?", (upload_id,))


def _dump(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
