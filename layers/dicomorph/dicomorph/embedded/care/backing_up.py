"""Copying a data folder into another one, also while a server uses the first.

The copy is a data folder itself, and right at any moment: its index takes the place of the one before when
all that it names is there, and only then goes what that one named alone.

Files come first, then the index as of one moment, then what that names and was not there yet. A file may
have been deleted since; then the index is asked once more, in the end while nobody may write. So what was
stored before is in the copy, under its old entry or under that of what has replaced it.

The documents of a job say what it has planned and what it has done. What it has done must not be newer than
the index, and its plan not older: outcomes come before the index only, the others after it as well.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dicomorph.embedded.backend import database_file
from dicomorph.embedded.care.linking import Carrier
from dicomorph.embedded.care.soundness import UnusableIndexError, is_whole
from dicomorph.embedded.care.sums import is_sound
from dicomorph.embedded.care.swapping import take_place
from dicomorph.embedded.care.trimming import trim
from dicomorph.embedded.claims import instance_keys
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.folders import PINNED, files_below, is_key
from dicomorph.embedded.objects.spool import Spool
from dicomorph.embedded.sqlite.database import Database
from dicomorph.embedded.sqlite.recognition import read_only_address
from dicomorph.jobs.documents import is_outcome_key
from dicomorph.model.errors import InternalError
from dicomorph.model.object_keys import JOBS
from dicomorph.model.resources import Ancestry, ObjectRef, Pin

_OBJECTS = "objects"
_ROUNDS = 5
_AT_ONCE = 500
_BUSY_SECONDS = 60.0
_ENTRIES = "SELECT id, object_key, size, crc32 FROM resource WHERE level = 3 AND id > ? ORDER BY id LIMIT ?"
_ENTRY = "SELECT 1 FROM resource WHERE level = 3 AND id = ? AND object_key = ?"

_Entry: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup has done.

    Parameters
    ----------
    instances : int
        In its index.
    brought, removed : int
        Files that are new in it, and such as nothing there refers to any more.
    lost, missing : int
        Files that the data folder itself has lost, and those of them that the backup does not have either:
        their entries are left out.
    """

    instances: int
    brought: int
    removed: int
    lost: int
    missing: int


def back_up(data_dir: Path, target: Path) -> BackedUp:
    """Bring a backup up to date, or make it.

    Parameters
    ----------
    target : Path
        A locked data folder that nobody serves.

    Raises
    ------
    UnusableIndexError
        If the index is damaged; the backup has its earlier one then.
    DicomorphError
        If it cannot be read or written.
    """
    with translated(), _told(), ExitStack() as stack:
        spool = Spool(target / "tmp")
        stack.callback(spool.close)
        backup = _Backup(data_dir, Path(spool.path()), Carrier(str(data_dir), str(target), spool))
        backup.bring_documents(with_outcomes=True)
        backup.bring_files()
        backup.bring_index()
        lost = backup.lost()
        instances = backup.leave_out_missing()
        take_place(backup.index, database_file(target))
        with closing(Database(database_file(target), epoch=None)) as database:
            removed = trim(target, database)
        os.sync()
        return BackedUp(instances, backup.carrier.brought, removed, lost, backup.missing)


class _Backup:
    def __init__(self, data_dir: Path, index: Path, carrier: Carrier) -> None:
        self.index = index
        self.carrier = carrier
        self._root = str(data_dir)
        self._source = database_file(data_dir)
        self._missing: list[_Entry] = []
        self._saved: list[_Entry] = []

    def bring_documents(self, *, with_outcomes: bool) -> None:
        for key in filter(is_key, files_below(f"{self._root}/{_OBJECTS}", JOBS.rstrip("/"))):
            if with_outcomes or not is_outcome_key(key):
                self.carrier.bring(f"{_OBJECTS}/{key}", renews=lambda _: True)

    def bring_files(self) -> None:
        for folder in (_OBJECTS, PINNED):
            for key in instance_keys(f"{self._root}/{folder}"):
                self.carrier.bring(f"{folder}/{key}")

    def bring_index(self) -> None:
        """Copy the index with all that it names, as of one moment."""
        for number in range(1, _ROUNDS + 1):
            if number > 1:
                self.bring_documents(with_outcomes=True)
            with _nobody_writes(self._source, if_true=number == _ROUNDS):
                self._copy_index()
                self.bring_documents(with_outcomes=False)
                for key in instance_keys(f"{self._root}/{PINNED}"):
                    self.carrier.bring(f"{PINNED}/{key}")
                self._bring_versions()
                if not self._have_gone(self._missing):
                    return

    def leave_out_missing(self) -> int:
        """Take entries without files out of the copied index; return how many instances are left."""
        with closing(Database(self.index, epoch=None)) as database:
            index = sqlite_index(database)
            pins = [
                Pin(Ancestry("", "", "", instance), ObjectRef(key, "", 0)) for instance, key in self._missing
            ]
            if pins:
                index.eraser.remove_instances(pins)
                index.outbox.drop([pin.object for pin in pins])
            return index.catalogue.statistics().instances

    def lost(self) -> int:
        """Return how many files the data folder itself has lost, whether the backup has them or not."""
        return sum(1 for _ in self._held([*self._missing, *self._saved]))

    @property
    def missing(self) -> int:
        """Return how many files neither the data folder has nor the backup."""
        return len(self._missing)

    def _bring_versions(self) -> None:
        self._missing, self._saved = [], []
        for instance, key, size, crc32 in _entries(self.index):
            if not self._bring_version(key, size, crc32):
                # Deleted in this moment, or lost: then an earlier backup may have it.
                found = self._saved if self.carrier.has(f"{_OBJECTS}/{key}") else self._missing
                found.append((instance, key))

    def _bring_version(self, key: str, size: int, crc32: int | None) -> bool:
        """Bring a file from where it is; one that was deleted in this moment may wait for a job.

        One that the backup has already stays, unless it is another and that of the source is right.
        """
        place = f"{_OBJECTS}/{key}"
        is_there = self.carrier.bring(place, renews=lambda path: is_sound(path, size, crc32))
        return is_there or self.carrier.bring(f"{PINNED}/{key}", as_name=place)

    def _copy_index(self) -> None:
        self.index.unlink(missing_ok=True)
        address = read_only_address(self._source)
        with (
            closing(sqlite3.connect(address, uri=True)) as source,
            closing(sqlite3.connect(self.index)) as target,
        ):
            source.backup(target)
        if not is_whole(self.index):
            raise UnusableIndexError("index.db is damaged")
        Database(self.index, epoch=None).close()  # of an earlier version no more

    def _have_gone(self, entries: Sequence[_Entry]) -> bool:
        """Tell whether any of some entries is not there any more: the others have lost their files before."""
        return sum(1 for _ in self._held(entries)) < len(entries)

    def _held(self, entries: Sequence[_Entry]) -> Iterator[_Entry]:
        """Yield those that are there now."""
        with closing(sqlite3.connect(read_only_address(self._source), uri=True)) as source:
            for entry in entries:
                if source.execute(_ENTRY, entry).fetchone() is not None:
                    yield entry


def _entries(index: Path) -> Iterator[tuple[str, str, int, int | None]]:
    after = ""
    with closing(sqlite3.connect(index)) as connection:
        while rows := connection.execute(_ENTRIES, (after, _AT_ONCE)).fetchall():
            yield from rows
            after = rows[-1][0]


@contextmanager
def _nobody_writes(file: Path, *, if_true: bool) -> Iterator[None]:
    """Let the server wait with what it writes, for as long as files are brought that were not there yet."""
    if not if_true:
        yield
        return
    with closing(sqlite3.connect(file, isolation_level=None, timeout=_BUSY_SECONDS)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.rollback()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise InternalError(f"Database: {name}") from error
