"""An index in the making, of files alone."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from dicomorph.embedded.care.earlier import EarlierIndex
from dicomorph.embedded.index.catalogue import SqliteCatalogue
from dicomorph.embedded.index.ingest import SqliteIngest
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.resources import InstanceEntry, ObjectRef, Statistics
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.backend import utc_now
from dicomorph.services.server.anonymized_names import COUNTER

_NUMBERED = re.compile(r'"0010,0010":"Anonymized([0-9]{1,9})"')

# Parents were changed last when their newest instance came.
_UPDATED = (
    """
    UPDATE resource SET last_update = (
        SELECT max(json_extract(c.metadata, '$.ReceptionDate')) FROM resource AS c
        WHERE c.parent = resource.pk
    )
    WHERE level = 2
    """,
    *(
        f"""
        UPDATE resource SET last_update = (
            SELECT max(c.last_update) FROM resource AS c WHERE c.parent = resource.pk
        )
        WHERE level = {level}
        """  # noqa: S608 - numbers
        for level in (1, 0)
    ),
)


class NewIndex:
    """A database that nobody uses yet.

    Parameters
    ----------
    file : Path
        Where it is made.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._database = Database(file, epoch=None)
        self._catalogue = SqliteCatalogue(self._database)
        self._ingest = SqliteIngest(self._database, utc_now)

    def versions_of(self, instances: Iterable[str]) -> dict[str, ObjectRef]:
        """Return which version each of some instances has by now."""
        pins = self._catalogue.pins_of(list(dict.fromkeys(instances)))
        return {pin.ancestry.instance: pin.object for pin in pins}

    def add(self, entries: Sequence[InstanceEntry]) -> None:
        """Add instances; a later version takes the place of an earlier one."""
        if entries:
            self._ingest.add(entries, overwrite=OverwriteInstances.ALWAYS)

    def finish(self, earlier: EarlierIndex | None) -> Statistics:
        """Add what derives from the entries, and what an earlier index knows; close it, on the disk.

        The epoch is a time: whatever process of an earlier run may still live, its number is lower.
        """
        self._database.sync()
        self._database.close()
        with closing(sqlite3.connect(self._file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM outbox")  # of versions that others replaced: they stay
            for statement in _UPDATED:
                connection.execute(statement)
            connection.execute("INSERT INTO counter VALUES (?, ?)", (COUNTER, _highest_number(connection)))
            connection.execute("UPDATE run SET epoch = ?", (int(time.time()),))
            connection.execute("COMMIT")
            if earlier is not None:
                earlier.hand_over(connection)
        with closing(Database(self._file, epoch=None)) as database:
            return SqliteCatalogue(database).statistics()

    def close(self) -> None:
        """Close it as it is."""
        self._database.close()


def _highest_number(connection: sqlite3.Connection) -> int:
    """Return the highest number of a name that an anonymization gave and a stored patient has."""
    rows = connection.execute(
        "SELECT main_tags FROM resource WHERE level = 0 AND instr(main_tags, ':\"Anonymized') > 0"
    )
    found = (_NUMBERED.search(text) for (text,) in rows)
    return max((int(match[1]) for match in found if match), default=0)
