"""The versions of the database, and how an earlier one becomes one of today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from dicomorph.model.errors import InternalError

SCHEMA_VERSION = 4

OPENED_VERSIONS = frozenset((1, 2, 3, SCHEMA_VERSION))
"""Those of databases that can be opened; an earlier one becomes one of today's then."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a database, 0 for a new one.

    Raises
    ------
    InternalError
        If it is one that cannot be opened.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version != 0 and version not in OPENED_VERSIONS:
        raise InternalError(f"The database has version {version}, this program needs {SCHEMA_VERSION}")
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Create what is missing, within a transaction.

    Earlier versions lack tables, and versions 1 and 2 a column.
    """
    for statement in _statements(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")):
        connection.execute(statement)
    if not any(name == "crc32" for _, name, *_ in connection.execute("PRAGMA table_info(resource)")):
        connection.execute("ALTER TABLE resource ADD COLUMN crc32 INTEGER")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one by one: as a whole, it would commit what came before."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
