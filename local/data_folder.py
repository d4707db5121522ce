"""The folder that holds everything a server keeps, and the lock on it."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dicomorph.embedded.backend import objects_folder
from dicomorph.model.object_keys import RESULTS


class DataFolderError(Exception):
    """The folder cannot be used; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A locked data folder.

    The kernel drops the lock when this process ends, however it ends; the file descriptor is
    not inherited by the worker processes.
    """

    path: Path
    _lock: IO[bytes]

    @property
    def objects(self) -> Path:
        """The folder of the object store."""
        return objects_folder(self.path)

    @property
    def spool(self) -> Path:
        """The folder of bodies that are being received."""
        return self.path / "spool"

    def release(self) -> None:
        """Let another server have the folder."""
        self._lock.close()


def lock_data_folder(path: Path) -> DataFolder:
    """Create a data folder if need be, lock it, and throw away what the last run left half-done.

    Raises
    ------
    DataFolderError
        If it cannot be written to, or another server uses it.
    """
    path = path.absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold patient data
        lock = (path / "lock").open("ab")
    except OSError as error:
        raise DataFolderError(f"Cannot use the data folder {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataFolderError(f"Another server uses the data folder {path}") from error
    folder = DataFolder(path, lock)
    for passing in (folder.spool, folder.objects / RESULTS):
        shutil.rmtree(passing, ignore_errors=True)
    try:
        folder.spool.mkdir(mode=0o700)
    except OSError as error:
        raise DataFolderError(
            f"Cannot use the data folder {path}: {os.strerror(error.errno or 0)}"
        ) from error
    return folder
