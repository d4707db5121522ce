"""What is stored, from rows of SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from dicomorph.embedded.index.rows import (
    INSTANCE,
    NUMBERS,
    SELECT_RESOURCE,
    decode_resource,
)
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.metadata_names import INDEX_IN_SERIES
from dicomorph.model.resources import (
    LEVELS,
    Ancestry,
    Level,
    ObjectRef,
    Pin,
    Resource,
    Statistics,
)
from dicomorph.ports.index import Child

_SELECT_PINS = (
    "SELECT p.id, t.id, s.id, i.id, i.object_key, i.object_version, i.size, i.crc32"
    " FROM resource AS p JOIN resource AS t ON t.parent = p.pk"
    " JOIN resource AS s ON s.parent = t.pk JOIN resource AS i ON i.parent = s.pk"
)
_PINS = {
    level: f"{_SELECT_PINS} WHERE {table}.level = ? AND {table}.id = ?"
    for level, table in zip(LEVELS, "ptsi", strict=True)
}
_PINS_OF = f"{_SELECT_PINS} WHERE i.level = 3 AND i.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants

_NAMED = "IN (SELECT value FROM json_each(?))"
_RESOURCES = f"{SELECT_RESOURCE} WHERE r.level = ? AND r.id {_NAMED}"
_RESOURCES_ANYWHERE = (
    f"{SELECT_RESOURCE} WHERE r.level IN (0, 1, 2, 3) AND r.id {_NAMED} ORDER BY r.level DESC"
)
_CHILDREN = (
    f"SELECT p.id, c.id, json_extract(c.metadata, '$.{INDEX_IN_SERIES}')"  # noqa: S608 - constants
    f" FROM resource AS p JOIN resource AS c ON c.parent = p.pk WHERE p.level = ? AND p.id {_NAMED}"
    " ORDER BY p.id, c.id"
)
_AT_ONCE = 1_000  # rows of resources


class SqliteCatalogue:
    """The port `Catalogue` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, level: Level, resource_id: str) -> Resource | None:
        """Return one resource, None if it does not exist at this level."""
        with self._database.read() as connection:
            row = connection.execute(
                f"{SELECT_RESOURCE} WHERE r.level = ? AND r.id = ?", (NUMBERS[level], resource_id)
            ).fetchone()
        return None if row is None else decode_resource(row)

    def get_many(self, level: Level, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources of a level that exist, in any order."""
        for some in _in_parts(resource_ids):
            yield from map(decode_resource, self._rows(_RESOURCES, (NUMBERS[level], some)))

    def find_many(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources with these identifiers that exist, whatever their levels."""
        for some in _in_parts(resource_ids):
            found = map(decode_resource, self._rows(_RESOURCES_ANYWHERE, (some,)))
            yield from {resource.id: resource for resource in found}.values()  # the highest of a name

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
        return [child.id for child in self.children_of(level, [resource_id])]

    def children_of(
        self,
        level: Level,
        resource_ids: Sequence[str],
        *,
        unchecked: bool = False,  # noqa: ARG002 - here, what is found is stored
    ) -> Iterator[Child]:
        """Yield what is one level below some resources, those of each together, ascending."""
        for some in _in_parts(resource_ids):
            for parent, child, index in self._rows(_CHILDREN, (NUMBERS[level], some)):
                yield Child(parent, child, index or "")

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

    def statistics(self) -> Statistics:
        """Count everything."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT count, bytes FROM total ORDER BY level").fetchall()
        patients, studies, series, instances = (count for count, _ in rows)
        return Statistics(patients, studies, series, instances, disk_size=rows[INSTANCE][1])

    def _rows(self, statement: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._database.read() as connection:
            return connection.execute(statement, arguments).fetchall()


def _in_parts(resource_ids: Sequence[str]) -> Iterator[str]:
    """Yield JSON arrays of identifiers, of each one once: what their rows hold is in memory together."""
    distinct = list(dict.fromkeys(resource_ids))
    for start in range(0, len(distinct), _AT_ONCE):
        yield json.dumps(distinct[start : start + _AT_ONCE])
