"""Deleting, with the ancestors that are left without children."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice

from dicomorph.embedded.index.outbox import name_in_outbox
from dicomorph.embedded.index.rows import (
    INSTANCE,
    row_of,
)
from dicomorph.embedded.index.settling import settle
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.metadata_names import metadata_time
from dicomorph.model.resources import (
    Level,
    ObjectRef,
    Pin,
)
from dicomorph.ports.index import Removal

_REMOVED_AT_ONCE = 1000  # other writers wait for less than a tenth of a second
_BELOW = (
    "WITH RECURSIVE below (pk) AS (VALUES (?) UNION ALL"
    " SELECT r.pk FROM below JOIN resource AS r ON r.parent = below.pk) "
)
_COLUMNS = "object_key, object_version, size, crc32"
_OBJECTS_BELOW = f"{_BELOW} SELECT {_COLUMNS} FROM below JOIN resource USING (pk) WHERE level = 3"  # noqa: S608
_DELETE_BELOW = f"{_BELOW} DELETE FROM resource WHERE pk IN below"  # noqa: S608 - constants, as above


class SqliteEraser:
    """The port `Eraser` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def remove(self, level: Level, resource_id: str) -> Removal:
        """Delete a resource with everything below it, and the ancestors left without children."""
        with self._database.write(durable=True) as connection:
            pk, parent = row_of(connection, level, resource_id, "pk, parent")
            objects = connection.execute(_OBJECTS_BELOW, (pk,)).fetchall()
            name_in_outbox(connection, (key for key, *_ in objects))
            connection.execute(_DELETE_BELOW, (pk,))
            remaining = settle(connection, parent, metadata_time(self._now()))
        return Removal(remaining, [ObjectRef(*row) for row in objects])

    def remove_instances(
        self,
        pins: Sequence[Pin],
        *,
        exactly: bool = False,  # noqa: ARG002 - files have no versions to tell them apart
    ) -> Sequence[ObjectRef]:
        """Delete instances that still are at the pinned version; others are left alone.

        Returns
        -------
        Sequence[ObjectRef]
            The pinned objects, whoever deleted their entries: an entry refers to no object
            but its own, so a repeated call names what an interrupted one could not discard.
        """
        waiting = iter(pins)
        while chunk := list(islice(waiting, _REMOVED_AT_ONCE)):
            with self._database.write(durable=True) as connection:
                self._remove_pinned(connection, chunk)
        return list(dict.fromkeys(pin.object for pin in pins))

    def _remove_pinned(self, connection: sqlite3.Connection, pins: Sequence[Pin]) -> None:
        parents: dict[int, None] = {}
        for pin in pins:
            for (parent,) in connection.execute(
                "DELETE FROM resource WHERE level = ? AND id = ? AND object_key = ? RETURNING parent",
                (INSTANCE, pin.ancestry.instance, pin.object.key),
            ).fetchall():
                parents[parent] = None
        # Those without an entry by now, too: an entry refers to no object but its own.
        name_in_outbox(connection, (pin.object.key for pin in pins))
        now = metadata_time(self._now())
        for parent in parents:
            settle(connection, parent, now)
