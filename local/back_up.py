"""``python -m local --backup DIR``: a copy of the data folder that is one itself, also while it is served."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dicomorph.embedded.care.backing_up import BackedUp, back_up
from dicomorph.embedded.care.soundness import UnusableIndexError, check_index
from local.arguments import Arguments
from local.data_folder import (
    BACKUP,
    MARKER,
    DataFolder,
    DataFolderError,
    find_data_folder,
    leaving_no_trace,
    lock_data_folder,
    lost_index,
)

_DONE, _INCOMPLETE = 0, 1
# What an attempt may have left that was killed before it could say what it is.
_BEGUN: Final = frozenset((MARKER, f"{MARKER}.new", "lock", "spool", "lost+found"))


def back_up_folder(arguments: Arguments, target: Path) -> int:
    """Bring a backup up to date, and say what was done; return 0, or 1 if files were missing.

    Raises
    ------
    DataFolderError
        If there is no data folder, its index is damaged, or the target cannot be one.
    DicomorphError
        If something cannot be read or written; the backup is as it was then, or as it should be.
    """
    os.umask(0o077)
    data = find_data_folder(arguments.data)
    try:
        check_index(data)
        folder = _target(data, target)
        try:
            with leaving_no_trace(data):
                done = back_up(data, folder.path)
            _mark(folder.path)
        finally:
            folder.release()
    except UnusableIndexError as error:
        raise lost_index(data, str(error)) from error
    counts = f"{done.instances} instances, {done.brought} new files, {done.removed} gone"
    print(f"Backed up to {folder.path}: {counts}.")
    return _outcome(done)


def _outcome(done: BackedUp) -> int:
    if not done.lost:
        return _DONE
    print(
        f"The data folder has lost {done.lost} files (--verify --names); this backup has"
        f" {done.lost - done.missing} of them.",
        file=sys.stderr,
    )
    return _INCOMPLETE


def _target(data: Path, target: Path) -> DataFolder:
    """Return the folder of a backup, locked."""
    target = target.expanduser().resolve()
    if target.is_relative_to(data) or data.is_relative_to(target):
        raise DataFolderError(f"Cannot back up to {target}: it and the data folder {data} are not apart")
    try:
        held = set(os.listdir(target))  # noqa: PTH208 - names are enough
    except FileNotFoundError:
        held = set()
    except OSError as error:
        raise DataFolderError(f"Cannot back up to {target}: {error.strerror}") from error
    if BACKUP not in held and held - _BEGUN:
        raise DataFolderError(
            f"Cannot back up to {target}: it is no backup, or has been served since. Name an empty folder"
        )
    folder = lock_data_folder(target)
    if BACKUP not in held:
        _mark(target)
    return folder


def _mark(target: Path) -> None:
    """Say that a folder is a backup, and when it was made."""
    document = {"Format": 1, "Time": datetime.now(UTC).isoformat(timespec="seconds")}
    unfinished = target / f"{BACKUP}.new"
    unfinished.write_text(json.dumps(document) + "\n", encoding="ascii")
    unfinished.replace(target / BACKUP)
