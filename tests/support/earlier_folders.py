"""Data folders as earlier versions of the program have left them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_SCHEMA = Path(__file__).with_name("schema_of_version_1.sql")
_TABLES = ("resource", "label", "counter", "property", "job")  # totals follow from triggers


def as_version_1(database: Path) -> None:
    """Make a database one that the schema of version 1 has made, with the same rows."""
    made = database.with_name("version-1.db")
    with closing(sqlite3.connect(made, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA.read_text(encoding="utf-8"))
        connection.execute("ATTACH ? AS today", (str(database),))
        for table in _TABLES:
            columns = ", ".join(name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})"))
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM today.{table}")  # noqa: S608
        connection.execute("UPDATE run SET epoch = (SELECT epoch FROM today.run)")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("DETACH today")
    for left in database.parent.glob(f"{database.name}-*"):
        left.unlink()
    made.replace(database)
