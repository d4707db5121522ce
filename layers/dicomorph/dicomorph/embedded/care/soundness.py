"""Whether the index of a data folder is there and whole, asked before anything is built on it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from dicomorph.embedded.backend import database_file, objects_folder
from dicomorph.embedded.claims import instance_keys
from dicomorph.embedded.sqlite.recognition import OUR_TABLES, log_of, resting_address
from dicomorph.embedded.sqlite.versions import OPENED_VERSIONS, version_of
from dicomorph.model.errors import InternalError

_PATIENCE = 60.0  # seconds; a million instances take one to five
_STEPS = 100_000  # of SQLite's machine, between two looks at the clock: milliseconds
_UNDER_WAY = 1000  # files; many times what a kill can cut off before they have their entries
_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class UnusableIndexError(InternalError):
    """The index is lost or damaged, so that nothing may be built on it."""


def check_index(data_dir: Path, *, patience: float = _PATIENCE) -> bool:
    """See that the index of a locked data folder can be built on; it stays as it is.

    The pages of a database are only looked at if the last process that wrote to it did not come to its
    end, which shows in the log: whoever closes a database last removes it.

    Parameters
    ----------
    patience : float
        Seconds for looking at the pages.

    Returns
    -------
    bool
        Whether that was time enough.

    Raises
    ------
    UnusableIndexError
        If files are there and the index knows nothing at all, or it is damaged.
    """
    file = database_file(data_dir)
    if not _size(file):
        _refuse_if_held(data_dir, "is empty" if file.exists() else "is missing")
        return True
    try:
        return _check(data_dir, file, patience)
    except UnusableIndexError:
        raise
    except InternalError:  # such as one that may not be opened: who opens it says so in better words
        return True


def is_whole(file: Path) -> bool:
    """Tell whether a database is one of ours, and its pages are whole.

    Raises
    ------
    InternalError
        If it is of another version than can be opened.
    """
    if not _size(file):
        return False
    try:
        with _damage_told(), closing(sqlite3.connect(resting_address(file), uri=True)) as connection:
            return bool(version_of(connection)) and _is_ours(connection) and _check_pages(connection, None)
    except UnusableIndexError:
        return False


def _check(data_dir: Path, file: Path, patience: float) -> bool:
    log = log_of(file)
    was_killed, has_written = log.exists(), _size(log) > 0
    with _damage_told(), closing(sqlite3.connect(resting_address(file), uri=True)) as connection:
        if not _is_empty(connection):
            return not has_written or _check_pages(connection, patience)
        # What a kill has cut off, a start sets aside: an upload to a new folder, without an entry yet.
        is_cut_off = was_killed and _is_used(connection)
        _refuse_if_held(data_dir, "knows of none", but=_UNDER_WAY if is_cut_off else 0)
    return True


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether a database has nothing to say of any file; one of another version may have."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = _tables(connection)
    return version in {0, *OPENED_VERSIONS} and not any(
        connection.execute(f"SELECT EXISTS (SELECT 1 FROM {name})").fetchone()[0]  # noqa: S608 - constants
        for name in ("resource", "outbox", "job")
        if name in tables
    )


def _is_used(connection: sqlite3.Connection) -> bool:
    """Tell whether a server has had the database: each run begins an epoch before it takes anything."""
    if "run" not in _tables(connection):
        return False
    (epoch,) = connection.execute("SELECT max(epoch) FROM run").fetchone()
    return bool(epoch)


def _check_pages(connection: sqlite3.Connection, patience: float | None) -> bool:
    """Look at all pages; tell whether the time was enough."""
    if patience is not None:
        deadline = time.monotonic() + patience
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return False
        raise
    finally:
        connection.set_progress_handler(None, 0)
    if found != [("ok",)]:
        raise UnusableIndexError("index.db is damaged")
    return True


def _refuse_if_held(data_dir: Path, reason: str, *, but: int = 0) -> None:
    """Raise if there are more files of instances than some, which are as good as none."""
    files = islice(instance_keys(str(objects_folder(data_dir)), completely=True), but + 1)
    try:
        is_held = sum(1 for _ in files) > but
    except OSError:  # a link, or a folder that this user may not read: whatever is behind it counts
        is_held = True
    if is_held:
        raise UnusableIndexError(f"there are files of instances, and index.db {reason}")


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code & 0xFF in _DAMAGE:
            raise UnusableIndexError(f"index.db is damaged ({name})") from error
        raise InternalError(f"Database: {name}") from error


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def _is_ours(connection: sqlite3.Connection) -> bool:
    return _tables(connection) >= OUR_TABLES


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # absent, or not to be read: whoever opens it says so
        return 0
