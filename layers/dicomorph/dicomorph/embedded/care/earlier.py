"""What an index that can still be read says, and files do not: taken over where it is about the same file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from dicomorph.embedded.index.catalogue import SqliteCatalogue
from dicomorph.embedded.index.properties import SqliteServerProperties
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.resources import ObjectRef
from dicomorph.services.server.default_encoding import DEFAULT_ENCODING

_NAMED = "SELECT object_key FROM outbox WHERE object_key IN (SELECT value FROM json_each(?))"

_TAKE_OVER = (
    # Of instances, if it is about the same version of them.
    """
    UPDATE resource SET (metadata, md5, crc32) = (
        SELECT e.metadata, e.md5, ifnull(e.crc32, resource.crc32)
        FROM earlier.resource AS e WHERE e.level = 3 AND e.id = resource.id
    )
    WHERE level = 3 AND EXISTS (
        SELECT 1 FROM earlier.resource AS e
        WHERE e.level = 3 AND e.id = resource.id AND e.object_key = resource.object_key
    )
    """,
    # Above, what their first instances were like.
    """
    UPDATE resource SET (main_tags, metadata, patient_main_tags, last_update) = (
        SELECT e.main_tags, e.metadata, e.patient_main_tags,
               max(ifnull(e.last_update, resource.last_update), resource.last_update)
        FROM earlier.resource AS e WHERE e.level = resource.level AND e.id = resource.id
    )
    WHERE level < 3 AND EXISTS (
        SELECT 1 FROM earlier.resource AS e WHERE e.level = resource.level AND e.id = resource.id
    )
    """,
    """
    INSERT OR IGNORE INTO label
    SELECT r.pk, l.label FROM earlier.label AS l
    JOIN earlier.resource AS e ON e.pk = l.resource
    JOIN resource AS r ON r.level = e.level AND r.id = e.id
    WHERE e.level < 3 OR e.object_key = r.object_key
    """,
    """
    INSERT INTO counter SELECT name, value FROM earlier.counter WHERE true
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)
    """,
    "INSERT OR REPLACE INTO property SELECT * FROM earlier.property",
    "INSERT OR REPLACE INTO job SELECT * FROM earlier.job",
    "INSERT OR REPLACE INTO job_request SELECT * FROM earlier.job_request",
    "INSERT OR REPLACE INTO upload SELECT * FROM earlier.upload",
    """
    INSERT OR IGNORE INTO outbox SELECT object_key FROM earlier.outbox AS o
    WHERE NOT EXISTS (SELECT 1 FROM resource WHERE level = 3 AND object_key = o.object_key
                      AND id = substr(o.object_key, 14, 44))
    """,
    "UPDATE run SET epoch = max(epoch, (SELECT max(epoch) FROM earlier.run))",
)


class EarlierIndex:
    """The index of a data folder that is about to be replaced; opening brings it up to date.

    Parameters
    ----------
    file : Path
        The database, which is whole.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._database = Database(file, epoch=None)
        self._catalogue = SqliteCatalogue(self._database)

    @property
    def default_encoding(self) -> str | None:
        """Return what clients have made the default encoding, None if nobody did."""
        return SqliteServerProperties(self._database).read_property(DEFAULT_ENCODING)

    def versions_of(self, instances: Iterable[str]) -> dict[str, ObjectRef]:
        """Return which version each of some instances has, as far as they are known."""
        pins = self._catalogue.pins_of(list(dict.fromkeys(instances)))
        return {pin.ancestry.instance: pin.object for pin in pins}

    def doomed(self, keys: Iterable[str]) -> set[str]:
        """Return those of some objects that are to be erased."""
        with self._database.read() as connection:
            return {key for (key,) in connection.execute(_NAMED, (json.dumps(list(keys)),))}

    def close(self) -> None:
        """Close it; then all of it is in one file."""
        self._database.close()

    def hand_over(self, connection: sqlite3.Connection) -> None:
        """Write what it says into a new index, in one transaction.

        Parameters
        ----------
        connection : sqlite3.Connection
            Of the new one, outside of a transaction.
        """
        connection.execute("ATTACH ? AS earlier", (str(self._file),))
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TAKE_OVER:
                connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise
        finally:
            connection.execute("DETACH earlier")
