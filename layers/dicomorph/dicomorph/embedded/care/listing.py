"""The files that an index is to be made of, in the order of their age, and in bounded memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from dicomorph.embedded.claims import instance_keys
from dicomorph.embedded.objects.folders import ABSENT
from dicomorph.model.object_keys import product_of


@dataclass(frozen=True, slots=True)
class Found:
    """A version of an instance.

    Parameters
    ----------
    folder : str
        The one of the data folder that it lies in.
    stored : int
        When, in nanoseconds: a file is never changed once it is there.
    """

    key: str
    folder: str
    stored: int

    @property
    def instance(self) -> str:
        """Return the Orthanc id that the key names."""
        return product_of(self.key)


def list_files(scratch: Path, root: str, folders: tuple[str, ...]) -> Iterator[list[Found]]:
    """Yield the versions of instances in some folders of a data folder, the oldest first, some at a time.

    Parameters
    ----------
    scratch : Path
        Of a file that is made for the time of this call, on the disk: a million of names is not for memory.
    """
    with closing(sqlite3.connect(scratch, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE file (stored INTEGER, key TEXT, folder TEXT)")
        connection.execute("BEGIN")
        for folder in folders:
            connection.executemany("INSERT INTO file VALUES (?, ?, ?)", _files(root, folder))
        connection.execute("COMMIT")
        rows = connection.execute("SELECT key, folder, stored FROM file ORDER BY stored, key, folder")
        while some := rows.fetchmany(_AT_ONCE):
            yield [Found(*row) for row in some]
    scratch.unlink()


_AT_ONCE = 250  # of a CT, a quarter of a second


def _files(root: str, folder: str) -> Iterator[tuple[int, str, str]]:
    for key in instance_keys(f"{root}/{folder}", completely=True):
        with suppress(*ABSENT):
            yield os.lstat(f"{root}/{folder}/{key}").st_mtime_ns, key, folder
