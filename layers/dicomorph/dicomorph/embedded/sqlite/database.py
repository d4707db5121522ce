"""The database of the embedded deployment: one SQLite file, several threads and processes."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dicomorph.embedded.file_identity import identity_of
from dicomorph.embedded.sqlite.recognition import read_only_address
from dicomorph.embedded.sqlite.versions import SCHEMA_VERSION, migrate, version_of
from dicomorph.model.errors import (
    DataFolderGoneError,
    DicomorphError,
    InternalError,
    StaleEpochError,
    StorageFullError,
    TransientError,
)

_BUSY_SECONDS = 30.0
_CACHED_STATEMENTS = 256
_ERRORS: dict[int, type[DicomorphError]] = {
    sqlite3.SQLITE_BUSY: TransientError,
    sqlite3.SQLITE_LOCKED: TransientError,
    sqlite3.SQLITE_PROTOCOL: TransientError,
    sqlite3.SQLITE_NOMEM: TransientError,
    sqlite3.SQLITE_IOERR: TransientError,
    sqlite3.SQLITE_CANTOPEN: TransientError,
    sqlite3.SQLITE_FULL: StorageFullError,
}


class Database:
    """Transactions over one SQLite file in WAL mode.

    Readers see one moment and never wait; writers take turns, between threads by a lock,
    between processes by SQLite's own. A connection serves one thread at a time and goes back
    to a pool, so threads may come and go.

    Parameters
    ----------
    path : Path
        The file; readable by its owner only.
    epoch : int | None
        The run of the server that this process belongs to (`begin_epoch`), which has the file.
        None checks nothing, until this object begins an epoch itself, and creates what is absent.
    durable : bool
        Whether every commit survives a power cut, not only those that ask for it. A killed
        process never loses one.
    read_only : bool
        Whether the file is to be there already, in today's version, and stays as it is.

    Raises
    ------
    DataFolderGoneError
        If there is no file, although the run has begun.
    InternalError
        If the file is no database, one of another version, or may not be opened.

    Notes
    -----
    All methods raise `DataFolderGoneError` while the file is not under its path: what is written
    to one that was moved or deleted is found by nobody.
    """

    def __init__(
        self, path: Path, *, epoch: int | None, durable: bool = False, read_only: bool = False
    ) -> None:
        self.epoch = epoch
        self._path = path
        self._durable = durable
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []  # append and pop are atomic
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)
        self._address = read_only_address(path) if read_only else ""
        try:
            if not read_only:
                _open_or_create(path, may_create=epoch is None)
            self._identity = identity_of(path)
        except (
            FileNotFoundError,
            NotADirectoryError,
        ) as error:  # a worker that starts when the folder has gone
            raise DataFolderGoneError from error
        except OSError as error:
            raise InternalError(
                f"Database: {errno.errorcode.get(error.errno or 0, 'unknown error')}"
            ) from error
        with self._connection() as connection:
            (_require_today if read_only else _prepare)(connection)

    def begin_epoch(self) -> int:
        """Begin a new run of the server: whoever holds an earlier epoch can write no more.

        Returns
        -------
        int
            The new epoch, which this object holds from now on.
        """
        with self._writing, self._connection() as connection, _transaction(connection, "IMMEDIATE"):
            row = connection.execute("UPDATE run SET epoch = epoch + 1 RETURNING epoch").fetchall()[0]
        self.epoch = int(row[0])
        return self.epoch

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one moment of the database, for reading only."""
        with self._connection() as connection, _transaction(connection, "DEFERRED"):
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Give a connection within a transaction, which an exception undoes.

        Parameters
        ----------
        durable : bool
            Whether the commit, and with it all before, survives a power cut in any case.

        Raises
        ------
        StaleEpochError
            If a newer run of the server has begun.
        TransientError
            If other processes keep the database to themselves.
        StorageFullError
            If no space is left; nothing has changed then.
        """
        level = "FULL" if durable or self._durable else "NORMAL"
        with self._writing, self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {level}")
            with _transaction(connection, "IMMEDIATE"):
                self._check_epoch(connection)
                yield connection

    def sync(self) -> None:
        """Make all commits so far, of any process, survive a power cut: they share one log."""
        if self._durable:
            return
        with self.write(durable=True) as connection:
            connection.execute("UPDATE run SET epoch = epoch")  # without a change nothing is written

    def close(self) -> None:
        """Close the connections, each as soon as nobody uses it. Closing twice is harmless."""
        self._closed = True
        _close_all(self._idle)

    def _check_epoch(self, connection: sqlite3.Connection) -> None:
        if self.epoch is None:
            return
        (current,) = connection.execute("SELECT epoch FROM run").fetchone()
        if current != self.epoch:
            raise StaleEpochError("A newer run of the server has begun")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with _translated():
            if self._closed:
                raise InternalError("The database is closed")
            if not self._is_there():
                raise DataFolderGoneError
            try:
                connection = self._idle.pop()  # the last one used: its cache is warm
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _is_there(self) -> bool:
        """Tell whether others find under the path what the connections have open."""
        try:
            return identity_of(self._path) == self._identity
        except OSError:
            return False

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed or connection.in_transaction:  # a failed rollback leaves it unusable
            connection.close()
        else:
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._address or self._path,
            uri=bool(self._address),
            timeout=_BUSY_SECONDS,
            isolation_level=None,  # transactions are begun by name
            check_same_thread=False,  # one thread at a time, but not always the same
            cached_statements=_CACHED_STATEMENTS,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -16384")  # KiB
        except BaseException:
            connection.close()
            raise
        return connection


def _open_or_create(path: Path, *, may_create: bool) -> None:
    if may_create:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    creating = os.O_CREAT if may_create else 0
    os.close(os.open(path, os.O_RDWR | creating | os.O_CLOEXEC, 0o600))


def _close_all(connections: list[sqlite3.Connection]) -> None:
    with suppress(IndexError):
        while True:
            connections.pop().close()


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.rollback()
        raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Of the message only the code is told: SQLite may quote values.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise _ERRORS.get(code & 0xFF, InternalError)(f"Database: {name}") from error


def _prepare(connection: sqlite3.Connection) -> None:
    """Create the schema, bring an earlier one up to date, or refuse a database of another version."""
    if version_of(connection) == SCHEMA_VERSION:
        return
    # Switching to WAL does not wait for a process that does the same.
    _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    with _transaction(connection, "IMMEDIATE"):
        if version_of(connection) != SCHEMA_VERSION:  # another process has done it meanwhile
            migrate(connection)


def _require_today(connection: sqlite3.Connection) -> None:
    if version_of(connection) != SCHEMA_VERSION:
        raise InternalError("The database is of an earlier version: start the server once")


def _patiently(action: Callable[[], object]) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
