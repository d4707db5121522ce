"""Telling our database from somebody else's, without changing either."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from dicomorph.embedded.sqlite.versions import OPENED_VERSIONS

OUR_TABLES = frozenset(("resource", "label", "job", "run"))
"""Those that every version has."""


def is_our_database(path: Path) -> bool:
    """Tell whether a file is a database of this program, of a version that it can open.

    A database whose last commits are in its log only, as a killed server leaves it, is
    recognised by them; without a log, SQLite makes no files beside the database.
    """
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(resting_address(path), uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    except sqlite3.Error:
        return False
    return version in OPENED_VERSIONS and tables >= OUR_TABLES


def log_of(path: Path) -> Path:
    """Return where the commits are that have not reached the database itself."""
    return path.with_name(f"{path.name}-wal")


def resting_address(path: Path) -> str:
    """Return the address by which SQLite reads a database that nobody else opens, and leaves no trace."""
    return _address(path, is_fixed=not log_of(path).exists())


def read_only_address(path: Path) -> str:
    """Return the address by which SQLite reads a database and changes nothing in it.

    Others may write to it meanwhile. SQLite makes files beside it, unless nobody can write there.
    """
    return _address(path, is_fixed=not log_of(path).exists() and not os.access(path.parent, os.W_OK))


def _address(path: Path, *, is_fixed: bool) -> str:
    return f"file:{quote(str(path))}?{'immutable=1' if is_fixed else 'mode=ro'}"
