"""Whether an index is right in itself: its pages, and what its rows say of one another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from dicomorph.embedded.sqlite.database import Database

_MOST = 100  # messages of SQLite

_WRONG = (
    # Children without parents, or of the wrong level.
    """
    SELECT count(*) FROM resource AS c LEFT JOIN resource AS p ON p.pk = c.parent
    WHERE c.level > 0 AND p.level IS NOT c.level - 1
    """,
    # Parents without children.
    """
    SELECT count(*) FROM resource AS p
    WHERE level < 3 AND NOT EXISTS (SELECT 1 FROM resource WHERE parent = p.pk)
    """,
    # Rows that cannot be read.
    "SELECT count(*) FROM resource WHERE NOT json_valid(main_tags) OR NOT json_valid(metadata)",
    # Instances with the files of others, or none.
    """
    SELECT count(*) FROM resource WHERE level = 3 AND (
        object_key IS NULL OR size IS NULL
        OR substr(object_key, 1, 58) != 'instances/' || substr(id, 1, 2) || '/' || id || '/'
    )
    """,
    "SELECT count(*) FROM label WHERE resource NOT IN (SELECT pk FROM resource)",
    # Counts that do not agree.
    """
    SELECT count(*) FROM total AS t WHERE (count, bytes) IS NOT (
        SELECT count(*), ifnull(sum(size), 0) FROM resource WHERE level = t.level
    )
    """,
)


def faults_within(database: Database) -> Iterator[int]:
    """Yield how many faults there are, kind by kind, as of one moment.

    Raises
    ------
    InternalError
        If the pages are so damaged that they cannot be read.
    """
    with database.read() as connection:
        yield _pages(connection)
        for question in _WRONG:
            yield int(connection.execute(question).fetchone()[0])


def _pages(connection: sqlite3.Connection) -> int:
    found = connection.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
    return 0 if found == [("ok",)] else len(found)
