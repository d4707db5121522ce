"""The index over one SQLite database: an adapter for each role.

Every call is one transaction, so nothing is ever half-visible.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dicomorph.embedded.index.annotations import SqliteAnnotations
from dicomorph.embedded.index.catalogue import SqliteCatalogue
from dicomorph.embedded.index.eraser import SqliteEraser
from dicomorph.embedded.index.ingest import SqliteIngest
from dicomorph.embedded.index.outbox import SqliteOutbox
from dicomorph.embedded.index.properties import SqliteServerProperties
from dicomorph.embedded.sqlite.database import Database
from dicomorph.ports.index import Index
from dicomorph.services.backend import utc_now


def sqlite_index(database: Database, *, now: Callable[[], datetime] = utc_now, quota: int = 0) -> Index:
    """Return the adapters over one database.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    quota : int
        Bytes that all instances may take; 0 for no limit.
    """
    return Index(
        catalogue=SqliteCatalogue(database),
        ingest=SqliteIngest(database, now, quota=quota),
        eraser=SqliteEraser(database, now),
        outbox=SqliteOutbox(database),
        annotations=SqliteAnnotations(database),
        properties=SqliteServerProperties(database),
    )
