"""The index in SQLite: every call is one transaction, so nothing is ever half-visible."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from dicomorph.embedded.index.ingest import Ingest, add_labels, settle
from dicomorph.embedded.index.rows import (
    INSTANCE,
    NUMBERS,
    SELECT_RESOURCE,
    changed,
    decode_metadata,
    decode_resource,
    encode_metadata,
    encode_tags,
)
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.errors import ConflictError, UnknownResourceError
from dicomorph.model.resources import (
    LEVELS,
    Ancestry,
    InstanceEntry,
    Level,
    LevelFacts,
    MetadataValue,
    ObjectRef,
    Pin,
    Resource,
    Statistics,
)
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Removal, StoreOutcome
from dicomorph.services.backend import utc_now

_REMOVED_AT_ONCE = 1000  # other writers wait for less than a tenth of a second
_BELOW = (
    "WITH RECURSIVE below (pk) AS (VALUES (?) UNION ALL"
    " SELECT r.pk FROM below JOIN resource AS r ON r.parent = below.pk) "
)
_COLUMNS = "object_key, object_version, size"
_OBJECTS_BELOW = f"{_BELOW} SELECT {_COLUMNS} FROM below JOIN resource USING (pk) WHERE level = 3"  # noqa: S608
_DELETE_BELOW = f"{_BELOW} DELETE FROM resource WHERE pk IN below"  # noqa: S608 - constants, as above
_SELECT_PINS = (
    "SELECT p.id, t.id, s.id, i.id, i.object_key, i.object_version, i.size"
    " FROM resource AS p JOIN resource AS t ON t.parent = p.pk"
    " JOIN resource AS s ON s.parent = t.pk JOIN resource AS i ON i.parent = s.pk"
)
_PINS = {
    level: f"{_SELECT_PINS} WHERE {table}.level = ? AND {table}.id = ?"
    for level, table in zip(LEVELS, "ptsi", strict=True)
}
_PINS_OF = f"{_SELECT_PINS} WHERE i.level = 3 AND i.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants


class SqliteIndex:
    """The port `Index` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def add(self, entries: Sequence[InstanceEntry], *, overwrite: OverwriteInstances) -> list[StoreOutcome]:
        """Add instances, creating their parents, in one transaction."""
        may_replace = overwrite is not OverwriteInstances.NEVER
        with self._database.write(durable=may_replace) as connection:
            ingest = Ingest(connection, overwrite, self._last_update())
            outcomes = [ingest.add(entry) for entry in entries]
            ingest.finish()
        return outcomes

    def get(self, level: Level, resource_id: str) -> Resource | None:
        """Return one resource, None if it does not exist at this level."""
        with self._database.read() as connection:
            row = connection.execute(
                f"{SELECT_RESOURCE} WHERE r.level = ? AND r.id = ?", (NUMBERS[level], resource_id)
            ).fetchone()
        return None if row is None else decode_resource(row)

    def get_many(self, level: Level, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources of a level that exist, in any order."""
        found = (self.get(level, resource_id) for resource_id in dict.fromkeys(resource_ids))
        return (resource for resource in found if resource is not None)

    def find_many(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources with these identifiers that exist, whatever their levels."""
        found = map(self._find, dict.fromkeys(resource_ids))
        return (resource for resource in found if resource is not None)

    def _find(self, resource_id: str) -> Resource | None:
        with self._database.read() as connection:
            row = connection.execute(
                f"{SELECT_RESOURCE} WHERE r.level IN (0, 1, 2, 3) AND r.id = ? ORDER BY r.level LIMIT 1",
                (resource_id,),
            ).fetchone()
        return None if row is None else decode_resource(row)

    def ids(self, level: Level, *, since: int = 0, limit: int = 0) -> list[str]:
        """Return identifiers in ascending order; a `limit` of 0 is none."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM resource WHERE level = ? ORDER BY id LIMIT ? OFFSET ?",
                (NUMBERS[level], limit or -1, since),
            ).fetchall()
        return [resource_id for (resource_id,) in rows]

    def children(self, level: Level, resource_id: str) -> list[str]:
        """Return the identifiers one level below, ascending; empty for an unknown resource."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM resource"
                " WHERE parent = (SELECT pk FROM resource WHERE level = ? AND id = ?) ORDER BY id",
                (NUMBERS[level], resource_id),
            ).fetchall()
        return [child for (child,) in rows]

    def pins(self, level: Level, resource_id: str) -> Iterator[Pin]:
        """Yield the instances below a resource (or the instance itself) as they are at one moment."""
        with self._database.read() as connection:
            rows = connection.execute(_PINS[level], (NUMBERS[level], resource_id))
            for row in rows:
                yield Pin(Ancestry(*row[:4]), ObjectRef(*row[4:]))

    def pins_of(self, instance_ids: Sequence[str]) -> Iterator[Pin]:
        """Yield those of some instances that are stored, with their versions, in any order."""
        with self._database.read() as connection:
            rows = connection.execute(_PINS_OF, (json.dumps(list(instance_ids)),)).fetchall()
        return (Pin(Ancestry(*row[:4]), ObjectRef(*row[4:])) for row in rows)

    def remove(self, level: Level, resource_id: str) -> Removal:
        """Delete a resource with everything below it, and the ancestors left without children."""
        with self._database.write(durable=True) as connection:
            pk, parent = self._row(connection, level, resource_id, "pk, parent")
            objects = connection.execute(_OBJECTS_BELOW, (pk,)).fetchall()
            connection.execute(_DELETE_BELOW, (pk,))
            remaining = settle(connection, parent, self._last_update())
        return Removal(remaining, [ObjectRef(*row) for row in objects])

    def remove_instances(self, pins: Sequence[Pin]) -> Sequence[ObjectRef]:
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

    def refresh(self, level: Level, resource_id: str, facts: LevelFacts) -> None:
        """Replace the main tags, with their signature and sequences; an unknown resource is none."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT pk, metadata FROM resource WHERE level = ? AND id = ?", (NUMBERS[level], resource_id)
            ).fetchone()
            if row is None:
                return
            metadata = decode_metadata(row[1])
            for name in ("MainDicomTagsSignature", "MainDicomSequences"):
                if name in facts.metadata:
                    changed(metadata, name, facts.metadata[name])
            if "MainDicomSequences" not in facts.metadata:
                metadata.pop("MainDicomSequences", None)
            connection.execute(
                "UPDATE resource SET main_tags = ?, metadata = ?, patient_main_tags = ? WHERE pk = ?",
                (
                    encode_tags(facts.main_tags),
                    encode_metadata(metadata),
                    encode_tags(facts.patient_main_tags) if level is Level.STUDY else None,
                    row[0],
                ),
            )

    def set_metadata(
        self, level: Level, resource_id: str, name: str, value: str, *, expected: int | None
    ) -> MetadataValue:
        """Write one metadata on condition of its revision (None: it must not exist yet)."""
        with self._database.write() as connection:
            pk, metadata = self._metadata_at(connection, level, resource_id, name, expected)
            metadata[name] = written = MetadataValue(value, 0 if expected is None else expected + 1)
            _write_metadata(connection, pk, metadata)
        return written

    def remove_metadata(self, level: Level, resource_id: str, name: str, *, expected: int) -> None:
        """Delete one metadata on condition of its revision."""
        with self._database.write() as connection:
            pk, metadata = self._metadata_at(connection, level, resource_id, name, expected)
            del metadata[name]
            _write_metadata(connection, pk, metadata)

    def set_labels(
        self, level: Level, resource_id: str, *, add: frozenset[str], remove: frozenset[str]
    ) -> None:
        """Add and remove labels."""
        with self._database.write() as connection:
            (pk,) = self._row(connection, level, resource_id, "pk")
            connection.executemany(
                "DELETE FROM label WHERE resource = ? AND label = ?", [(pk, label) for label in remove]
            )
            add_labels(connection, pk, add)

    def statistics(self) -> Statistics:
        """Count everything."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT count, bytes FROM total ORDER BY level").fetchall()
        patients, studies, series, instances = (count for count, _ in rows)
        return Statistics(patients, studies, series, instances, disk_size=rows[INSTANCE][1])

    def sync(self) -> None:
        """Make all that was written so far survive a power cut, by any process."""
        self._database.sync()

    def next_number(self, counter: str) -> int:
        """Increase a counter that survives everything and return it; the first is 1."""
        with self._database.write() as connection:
            ((number,),) = connection.execute(
                "INSERT INTO counter VALUES (?, 1)"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (counter,),
            ).fetchall()
        return int(number)

    def read_property(self, name: str) -> str | None:
        """Return a server-wide property, None if it was never written."""
        with self._database.read() as connection:
            row = connection.execute("SELECT value FROM property WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def write_property(self, name: str, value: str) -> None:
        """Set a server-wide property."""
        with self._database.write() as connection:
            connection.execute("REPLACE INTO property VALUES (?, ?)", (name, value))

    def _last_update(self) -> str:
        return self._now().strftime("%Y%m%dT%H%M%S")

    def _row(
        self, connection: sqlite3.Connection, level: Level, resource_id: str, columns: str
    ) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = connection.execute(
            f"SELECT {columns} FROM resource WHERE level = ? AND id = ?",  # noqa: S608 - names of columns
            (NUMBERS[level], resource_id),
        ).fetchone()
        if row is None:
            raise UnknownResourceError
        return row

    def _metadata_at(
        self, connection: sqlite3.Connection, level: Level, resource_id: str, name: str, expected: int | None
    ) -> tuple[int, dict[str, MetadataValue]]:
        pk, text = self._row(connection, level, resource_id, "pk, metadata")
        metadata = decode_metadata(text)
        held = metadata.get(name)
        if (None if held is None else held.revision) != expected:
            raise ConflictError("The metadata has another revision")
        return pk, metadata

    def _remove_pinned(self, connection: sqlite3.Connection, pins: Sequence[Pin]) -> None:
        parents: dict[int, None] = {}
        for pin in pins:
            for (parent,) in connection.execute(
                "DELETE FROM resource WHERE level = ? AND id = ? AND object_key = ? RETURNING parent",
                (INSTANCE, pin.ancestry.instance, pin.object.key),
            ).fetchall():
                parents[parent] = None
        now = self._last_update()
        for parent in parents:
            settle(connection, parent, now)


def _write_metadata(connection: sqlite3.Connection, pk: int, metadata: dict[str, MetadataValue]) -> None:
    connection.execute("UPDATE resource SET metadata = ? WHERE pk = ?", (encode_metadata(metadata), pk))
