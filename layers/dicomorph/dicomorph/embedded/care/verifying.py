"""Comparing all that is at rest in a data folder: entries with files, files with entries, rows with rows.

Nothing is changed, and a server may run meanwhile: what seems wrong is looked at once more, after the index
was asked again. An entry goes before its file does, and a file comes before its entry.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dicomorph.embedded.backend import database_file, objects_folder, orphans_folder
from dicomorph.embedded.care.documents import StoredDocuments
from dicomorph.embedded.care.integrity import faults_within
from dicomorph.embedded.care.sums import crc32_of_file
from dicomorph.embedded.claims import Claims, chunks, instance_keys
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.jobs.records import SqliteJobRecords
from dicomorph.embedded.objects.folders import ABSENT
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.errors import DataFolderGoneError, InternalError

_AT_ONCE = 500
_ENTRIES = "SELECT id, object_key, size, crc32 FROM resource WHERE level = 3 AND id > ? ORDER BY id LIMIT ?"
_HELD = "SELECT 1 FROM resource WHERE level = 3 AND id = ? AND object_key = ?"


class Damage(enum.Enum):
    """What may be wrong, as it is told."""

    MISSING = "Entries without their file"
    SIZE = "Files of another size than was stored"
    CHECKSUM = "Files of another content than was stored"
    UNREADABLE = "Files that cannot be read"
    STRAY = "Files that nothing refers to"
    INDEX = "Faults within the index"


Told: TypeAlias = Callable[[Damage, str], None]
"""Called with each damage, and the path of the file from the data folder on."""


@dataclass(slots=True)
class Compared:
    """What was looked at.

    Parameters
    ----------
    entries, files : int
        Of instances.
    checksums : int
        Of those that have one.
    orphans : int
        Files that earlier starts have set aside.
    """

    entries: int = 0
    checksums: int = 0
    files: int = 0
    orphans: int = 0


def verify(data_dir: Path, told: Told, *, before: float) -> Compared:
    """Compare everything, in bounded memory; tell of each damage.

    Parameters
    ----------
    before : float
        The time in seconds; files that are newer may get their entries yet.

    Raises
    ------
    InternalError
        If the index cannot be opened for another reason than damage, or is of another version.
    """
    with closing(Database(database_file(data_dir), epoch=None, read_only=True)) as database:
        verifying = _Verifying(data_dir, database, told, before)
        try:
            verifying.compare_index()
            verifying.compare_entries()
            verifying.compare_files()
        except DataFolderGoneError:
            raise
        except InternalError:  # pages that cannot be read: nothing else is told of an open database
            told(Damage.INDEX, database_file(data_dir).name)
    return verifying.compared


class _Verifying:
    def __init__(self, data_dir: Path, database: Database, told: Told, before: float) -> None:
        self.compared = Compared()
        self._data_dir = data_dir
        self._objects = str(objects_folder(data_dir))
        self._database = database
        self._told = told
        self._before = before
        documents = StoredDocuments(objects_folder(data_dir))
        self._claims = Claims(sqlite_index(database), SqliteJobRecords(database), documents)

    def compare_index(self) -> None:
        for count in faults_within(self._database):
            for _ in range(count):
                self._told(Damage.INDEX, database_file(self._data_dir).name)

    def compare_entries(self) -> None:
        for instance, key, size, crc32 in self._entries():
            self.compared.entries += 1
            self.compared.checksums += crc32 is not None
            # Twice: an entry may have gone with its file, and a product may be back.
            if (
                self._damage(key, size, crc32)
                and self._is_held(instance, key)
                and (damage := self._damage(key, size, crc32))
            ):
                self._told(damage, f"objects/{key}")

    def compare_files(self) -> None:
        for keys in chunks(instance_keys(self._objects)):
            self.compared.files += len(keys)
            old = [key for key in self._claims.unclaimed(keys) if self._is_old(key)]
            for key in self._claims.unclaimed(old) if old else ():
                if self._is_old(key):  # it is still there
                    self._told(Damage.STRAY, f"objects/{key}")
        self.compared.orphans = sum(1 for _ in instance_keys(str(orphans_folder(self._data_dir))))

    def _entries(self) -> Iterator[tuple[str, str, int, int | None]]:
        after = ""
        while True:
            with self._database.read() as connection:
                rows = connection.execute(_ENTRIES, (after, _AT_ONCE)).fetchall()
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _is_held(self, instance: str, key: str) -> bool:
        with self._database.read() as connection:
            return connection.execute(_HELD, (instance, key)).fetchone() is not None

    def _is_old(self, key: str) -> bool:
        """Tell whether a file is there, and not so new that its entry may come yet."""
        with suppress(*ABSENT):
            return os.lstat(f"{self._objects}/{key}").st_ctime < self._before
        return False

    def _damage(self, key: str, size: int, crc32: int | None) -> Damage | None:
        try:
            descriptor = os.open(f"{self._objects}/{key}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except ABSENT:
            return Damage.MISSING
        except OSError:
            return Damage.UNREADABLE
        try:
            if os.fstat(descriptor).st_size != size:
                return Damage.SIZE
            if crc32 is not None and crc32_of_file(descriptor) != crc32:
                return Damage.CHECKSUM
        except OSError:
            return Damage.UNREADABLE
        finally:
            os.close(descriptor)
        return None
