"""The folder that holds everything a server keeps: whose it is, and the lock on it."""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from dicomorph.embedded.backend import database_file, objects_folder, rejected_folder
from dicomorph.embedded.claims import instance_keys
from dicomorph.embedded.objects.syncing import sync_paths
from dicomorph.embedded.sqlite.recognition import is_our_database, log_of
from dicomorph.model.object_keys import RESULTS, TOKEN_BYTES
from local.named_files import remove_files

MARKER: Final = "dicomorph.json"
"""The file that says that a folder is ours, and in which format it is."""

BACKUP: Final = "backup.json"
"""The file that says that a folder is a backup, which the next one may renew: nobody has served it since."""

_FORMAT: Final = 1
_UNFINISHED: Final = f"{MARKER}.new"
_OF_NOBODY: Final = frozenset((_UNFINISHED, "lost+found"))  # the second: of a new ext4 file system
_OUR_NAMES: Final = re.compile(
    r"objects|pinned|orphans|rejected|spool|tmp|lock|deleted(-[0-9a-f]{16})?|index(-\w+)*\.db(-wal|-shm)?"
    rf"|{re.escape(_UNFINISHED)}|lost\+found"
)
_KEY: Final = re.compile(r"instances/[0-9a-f]{2}/[0-9a-f]{8}(-[0-9a-f]{8}){4}/[0-9a-f-]+\.dcm")
_BODY: Final = re.compile(r"tmp[a-z0-9_]{8}")  # as `tempfile` names what it makes
_REJECTED: Final = re.compile(r"[0-9a-f]{32}(\.json)?")  # a file, and the reason
_RESULT: Final = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}\.(dcm|json)")


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

    def remove_results(self, *, before: float = math.inf) -> None:
        """Remove the answers on their way that are older than a time in seconds; by default, all.

        Raises
        ------
        OSError
            If they cannot be removed.
        """
        remove_files(self.objects / RESULTS, _RESULT, before=before)

    def remove_rejected(self, *, before: float) -> int:
        """Remove what arrived, could not be taken and is older than a time in seconds; return how many files.

        Raises
        ------
        OSError
            If they cannot be removed.
        """
        removed = remove_files(rejected_folder(self.path), _REJECTED, before=before)
        return sum(not name.endswith(".json") for name in removed)

    def release(self) -> None:
        """Let another server have the folder."""
        self._lock.close()


def find_data_folder(path: Path) -> Path:
    """Return a data folder that is there, resolved; nothing is changed.

    Raises
    ------
    DataFolderError
        If there is none, or it is of another format.
    """
    path = path.expanduser().resolve()
    marker = path / MARKER
    if marker.exists():
        _check_format(marker)
    elif not is_our_database(database_file(path)) and not _has_our_files(path):
        raise DataFolderError(f"{path} is no data folder")
    return path


def is_served(path: Path) -> bool:
    """Tell whether a server, or whoever else writes there, has locked a data folder."""
    if (path / "lock").exists():
        try:
            _lock(path).close()
        except (DataFolderError, OSError):
            return True
    return False


@contextmanager
def leaving_no_trace(path: Path) -> Iterator[None]:
    """Remove, in the end, what SQLite makes beside an index that is only read, unless a server uses it."""
    log = log_of(database_file(path))
    had_log = log.exists()
    try:
        yield
    finally:
        if not had_log and (path / "lock").exists():
            with suppress(DataFolderError, OSError), closing(_lock(path)):
                if not log.stat().st_size:
                    log.unlink()
                    log.with_name(log.name.replace("-wal", "-shm")).unlink(missing_ok=True)


def lock_data_folder(path: Path, *, rebuilding: bool = False) -> DataFolder:
    """Take a data folder, lock it, and throw away what the last run left half-done.

    Only a folder that is absent, empty or marked as ours is taken, and of its files only those
    go that bear the names that this program gives.

    Parameters
    ----------
    path : Path
        ``~`` is the home of the user; links in it are resolved.
    rebuilding : bool
        Whether a folder is taken, too, that has neither our marker nor an index, but files of ours.

    Raises
    ------
    DataFolderError
        If it holds other things, cannot be written to, or another server uses it. Nothing
        has changed then.
    """
    path = path.expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold patient data
        _claim(path, rebuilding=rebuilding)
        folder = DataFolder(path, _lock(path))
        folder.spool.mkdir(mode=0o700, exist_ok=True)
        remove_files(folder.spool, _BODY)
        folder.remove_results()
    except OSError as error:
        raise DataFolderError(f"Cannot use the data folder {path}: {error.strerror}") from error
    return folder


def lost_index(path: Path, reason: str) -> DataFolderError:
    """Return the error that an index cannot be used, which says how to get one that can."""
    return DataFolderError(
        f"Cannot use the data folder {path}: {reason}. To make a new index of the files:"
        f" python -m local --rebuild-index --data {shlex.quote(str(path))}"
    )


def _claim(path: Path, *, rebuilding: bool) -> None:
    """See that a folder is ours, or nobody's, which makes it ours."""
    marker = path / MARKER
    if marker.exists():
        _check_format(marker)
        return
    held = {entry.name for entry in path.iterdir()} - _OF_NOBODY
    # Folders of the first versions have no marker.
    is_known = not held or is_our_database(database_file(path))
    if not is_known and _has_our_files(path):
        if not rebuilding:
            raise lost_index(path, "there are files of instances, and no index of them")
    elif not is_known:
        raise DataFolderError(
            f"Cannot use the data folder {path}: it holds other files. Name an empty folder, or a new one"
        )
    unfinished = path / _UNFINISHED
    unfinished.write_text(json.dumps({"Format": _FORMAT}) + "\n", encoding="ascii")
    sync_paths([str(unfinished)])  # or a power cut may leave an empty marker, and the folder refused
    unfinished.replace(marker)
    sync_paths([str(path)])


def _check_format(marker: Path) -> None:
    try:
        found = json.loads(marker.read_text(encoding="ascii"))["Format"]
    except (ValueError, KeyError, TypeError):
        found = None
    if found != _FORMAT:
        raise DataFolderError(
            f"Cannot use the data folder {marker.parent}: its {MARKER} is of another version, or damaged"
        )


def _has_our_files(path: Path) -> bool:
    """Tell whether a folder without an index holds instances by our names, and nothing of others."""
    with suppress(OSError):
        if all(_OUR_NAMES.fullmatch(name) for name in os.listdir(path)):  # noqa: PTH208
            return any(map(_KEY.fullmatch, instance_keys(str(objects_folder(path)))))
    return False


def _lock(path: Path) -> IO[bytes]:
    lock = (path / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataFolderError(f"Another server uses the data folder {path}") from error
    return lock
