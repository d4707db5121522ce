"""What is to be erased, named in the transaction that takes its entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice

from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.object_keys import product_of
from dicomorph.model.resources import ObjectRef

_AT_ONCE = 1000  # other writers wait for a few milliseconds
_NAME = "INSERT OR IGNORE INTO outbox VALUES (?)"
_HELD = "SELECT 1 FROM resource WHERE level = 3 AND id = ? AND object_key = ?"


class SqliteOutbox:
    """The port `Outbox` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    """

    remembers = True

    def __init__(self, database: Database) -> None:
        self._database = database

    def name(self, refs: Sequence[ObjectRef]) -> None:
        """Name objects; those that an entry refers to are left out.

        Who names them does so again after a power cut, unless his record says that he is done: that
        is written later, and so is on the disk no sooner.
        """
        waiting = iter(refs)
        while chunk := list(islice(waiting, _AT_ONCE)):
            with self._database.write() as connection:
                name_in_outbox(connection, (ref.key for ref in chunk if not _is_held(connection, ref)))

    def waiting(self, *, after: str = "", limit: int) -> list[ObjectRef]:
        """Return some of what is named here, by key, from behind a key on."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT object_key FROM outbox WHERE object_key > ? ORDER BY object_key LIMIT ?",
                (after, limit),
            ).fetchall()
        return [ObjectRef(key, "", 0) for (key,) in rows]

    def drop(self, refs: Sequence[ObjectRef]) -> None:
        """Forget what was erased. A power cut may bring the rows back, which does no harm."""
        waiting = iter(refs)
        while chunk := list(islice(waiting, _AT_ONCE)):
            with self._database.write() as connection:
                take_out_of_outbox(connection, (ref.key for ref in chunk))

    def unclaimed(self, refs: Sequence[ObjectRef]) -> list[ObjectRef]:
        """Return those without an entry: a transaction that failed has done nothing, and never will."""
        with self._database.read() as connection:
            return [ref for ref in refs if not _is_held(connection, ref)]


def name_in_outbox(connection: sqlite3.Connection, keys: Iterable[str]) -> None:
    """Name objects whose entries go in the same transaction."""
    connection.executemany(_NAME, ((key,) for key in keys))


def take_out_of_outbox(connection: sqlite3.Connection, keys: Iterable[str]) -> None:
    """Forget objects that were erased, or get entries in the same transaction."""
    connection.executemany("DELETE FROM outbox WHERE object_key = ?", ((key,) for key in keys))


def _is_held(connection: sqlite3.Connection, ref: ObjectRef) -> bool:
    return connection.execute(_HELD, (product_of(ref.key), ref.key)).fetchone() is not None
