"""Data folders as earlier versions of the program have left them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_TABLES = {  # totals follow from triggers
    1: ("resource", "label", "counter", "property", "job"),
    2: ("resource", "label", "counter", "property", "outbox", "job", "job_request"),
    3: ("resource", "label", "counter", "property", "outbox", "job", "job_request"),
}


def as_version_1(database: Path) -> None:
    """Make a database one that the schema of version 1 has made, with the same rows."""
    as_version(1, database)


def as_version(version: int, database: Path) -> None:
    """Make a database one that the schema of an earlier version has made, with the same rows."""
    schema = Path(__file__).with_name(f"schema_of_version_{version}.sql").read_text(encoding="utf-8")
    made = database.with_name(f"version-{version}.db")
    with closing(sqlite3.connect(made, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema)
        connection.execute("ATTACH ? AS today", (str(database),))
        for table in _TABLES[version]:
            columns = ", ".join(
                name for _, name, *_ in connection.execute(f"PRAGMA main.table_info({table})")
            )
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM today.{table}")  # noqa: S608
        connection.execute("UPDATE run SET epoch = (SELECT epoch FROM today.run)")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("DETACH today")
    for left in database.parent.glob(f"{database.name}-*"):
        left.unlink()
    made.replace(database)
