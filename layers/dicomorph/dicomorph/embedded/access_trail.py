"""The access trail as files of JSON lines, of which the newest is written and the others are full."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dicomorph.model.errors import StorageFullError, TransientError
from dicomorph.services.backend import utc_now

FILE = "access-trail.jsonl"
_FULL_FILES = f"access-trail-{'[0-9]' * 8}-*.jsonl"
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class FileTrail:
    """The port `AccessTrail` over a folder.

    Lines are appended under a lock of the file, whole: what a full disk cuts short is taken back,
    and what a crash has cut short gets a line of its own. A file that has reached its size is given
    a name with a number and the time, under the same lock, and is never written again. Other programs
    may move files away as well: the name is looked at before each line.

    Parameters
    ----------
    folder : Path
        Made if it is absent, for the owner alone.
    size : int
        Bytes of a file, after which there is another one.
    kept : int
        How many full files are kept; 0 keeps all.
    sync : bool
        Whether lines are on the disk when `write` returns.
    now : Callable[[], datetime]
        The time in UTC, for the names of full files.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size: int,
        kept: int = 0,
        sync: bool = True,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._path = folder / FILE
        self._size = size
        self._kept = kept
        self._sync = sync
        self._now = now
        self._writing = threading.Lock()
        self._descriptor: int | None = None

    def write(self, lines: Sequence[str]) -> None:
        """See `AccessTrail.write`."""
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        with self._writing:
            try:
                descriptor = self._locked()
                try:
                    self._append(descriptor, data)
                finally:
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
            except OSError as error:
                self._close()
                name = errno.errorcode.get(error.errno or 0, "unknown error")
                kind = StorageFullError if error.errno in _FULL else TransientError
                raise kind(f"The access trail cannot be written: {name}") from None

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._writing:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _locked(self) -> int:
        """Return the descriptor of the file that is under the name now, locked, with room in it."""
        while True:
            descriptor = self._open()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not self._is_current(descriptor):  # moved away meanwhile
                self._close()
            elif os.fstat(descriptor).st_size >= self._size:
                self._set_aside()
                self._close()
            else:
                return descriptor

    def _open(self) -> int:
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o600)
            self._sync_folder()
        return self._descriptor

    def _is_current(self, descriptor: int) -> bool:
        held = os.fstat(descriptor)
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return False
        return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)

    def _append(self, descriptor: int, data: bytes) -> None:
        before = os.fstat(descriptor).st_size
        if before and os.pread(descriptor, 1, before - 1) != b"\n":
            data = b"\n" + data
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if self._sync:
                os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, before)
            raise

    def _set_aside(self) -> None:
        """Give the full file, which is locked, a name behind the others'; forget the oldest ones."""
        full = sorted(self._path.parent.glob(_FULL_FILES))
        number = int(full[-1].name.split("-")[2]) + 1 if full else 1
        aside = self._path.with_name(f"{self._path.stem}-{number:08}-{self._now():%Y%m%dT%H%M%SZ}.jsonl")
        self._path.rename(aside)
        self._sync_folder()
        if self._kept:
            for old in [*full, aside][: -self._kept]:
                old.unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        if self._sync:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
