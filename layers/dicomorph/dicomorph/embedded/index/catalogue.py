"""What is stored, from rows of SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from dicomorph.embedded.index.rows import (
    INSTANCE,
    NUMBERS,
    SELECT_RESOURCE,
    decode_resource,
)
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.resources import (
    LEVELS,
    Ancestry,
    Level,
    ObjectRef,
    Pin,
    Resource,
    Statistics,
)

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
        found = (self.get(level, resource_id) for resource_id in dict.fromkeys(resource_ids))
        return (resource for resource in found if resource is not None)

    def find_many(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources with these identifiers that exist, whatever their levels."""
        found = map(self._find, dict.fromkeys(resource_ids))
        return (resource for resource in found if resource is not None)

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

    def statistics(self) -> Statistics:
        """Count everything."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT count, bytes FROM total ORDER BY level").fetchall()
        patients, studies, series, instances = (count for count, _ in rows)
        return Statistics(patients, studies, series, instances, disk_size=rows[INSTANCE][1])

    def _find(self, resource_id: str) -> Resource | None:
        with self._database.read() as connection:
            row = connection.execute(
                f"{SELECT_RESOURCE} WHERE r.level IN (0, 1, 2, 3) AND r.id = ? ORDER BY r.level LIMIT 1",
                (resource_id,),
            ).fetchone()
        return None if row is None else decode_resource(row)
