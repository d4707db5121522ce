"""Files that are not finished: where they lie, and how those of dead processes are found."""

from __future__ import annotations

import fcntl
import itertools
import os
import secrets
import shutil
import weakref
from contextlib import suppress
from pathlib import Path

from dicomorph.embedded.file_identity import identity_of
from dicomorph.embedded.objects.folders import SIBLING
from dicomorph.model.errors import InternalError
from dicomorph.model.object_keys import SIBLING_BYTES


class Spool:
    """A folder of this process's own for unfinished files.

    The folder is locked for as long as the process lives; the kernel drops the lock however
    it dies. So whatever lies in a folder that can be locked was abandoned, and the next
    process removes it, while files that others are writing are safe.

    ``close()`` removes the folder, once; the end of the process does so otherwise.

    Parameters
    ----------
    parent : Path
        Holds the folders of all processes; on the file system of the finished files.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._parent = parent
        self._numbers = itertools.count()
        self._folder, lock = self._claim()
        self._identity = identity_of(lock)
        self.close = weakref.finalize(self, _give_up, self._folder, lock, os.getpid())
        self.remove_abandoned()

    def is_there(self) -> bool:
        """Tell whether the folder still is where it was made, so that what is stored there is found again.

        It is not if somebody has moved, deleted or unmounted what it lies in.
        """
        try:
            return identity_of(self._folder) == self._identity
        except OSError:
            return False

    def path(self) -> str:
        """Return a path that nothing else uses."""
        return os.path.join(self._folder, str(next(self._numbers)))  # noqa: PTH118 - a hot path

    def create(self) -> tuple[str, int]:
        """Create a file, and return its path and a descriptor to write to."""
        path = self.path()
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as error:
            raise InternalError("The folder of unfinished files is gone") from error

    def nameless(self) -> int:
        """Return the descriptor of a new file, to read and write, that is gone once it is closed."""
        path = self.path()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.unlink(path)  # noqa: PTH108 - paths are text here
        return descriptor

    def remove_abandoned(self) -> None:
        """Remove what dead processes left."""
        for folder in self._parent.iterdir():
            if not SIBLING.fullmatch(folder.name):  # put here by somebody else
                continue
            with suppress(OSError):  # in use, gone meanwhile, or no folder
                lock = _lock(folder)
                try:
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(lock)

    def _claim(self) -> tuple[Path, int]:
        while True:
            folder = self._parent / secrets.token_hex(SIBLING_BYTES)
            folder.mkdir(mode=0o700)
            # Until it is locked, another process may take the folder for abandoned.
            with suppress(BlockingIOError, FileNotFoundError):
                lock = _lock(folder)
                if folder.exists():
                    return folder, lock
                os.close(lock)


def _give_up(folder: Path, lock: int, owner: int) -> None:
    """Remove the folder and the lock; not in a fork, which inherits both."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
