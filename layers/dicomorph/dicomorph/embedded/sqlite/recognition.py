"""Telling our database from somebody else's, without changing either."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from dicomorph.embedded.sqlite.versions import OPENED_VERSIONS

_OUR_TABLES = frozenset(("resource", "label", "job", "run"))


def is_our_database(path: Path) -> bool:
    """Tell whether a file is a database of this program, of a version that it can open.

    A database whose last commits are in its log only, as a killed server leaves it, is
    recognised by them; without a log, SQLite makes no files beside the database.
    """
    if not path.is_file():
        return False
    has_log = path.with_name(f"{path.name}-wal").exists()
    address = f"file:{quote(str(path))}?{'mode=ro' if has_log else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    except sqlite3.Error:
        return False
    return version in OPENED_VERSIONS and tables >= _OUR_TABLES
