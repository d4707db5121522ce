"""Putting a finished database in the place of another one, which is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from dicomorph.embedded.objects.syncing import sync_paths
from dicomorph.embedded.sqlite.recognition import log_of
from dicomorph.model.errors import InternalError

_KEPT = "index-%Y%m%dT%H%M%SZ"


def put_in_place(new: Path, file: Path) -> Path | None:
    """Give a database, closed and whole, the name of another one; return the new name of that, if any.

    Commits of the old one that only its log has go with it. Then there is a moment without a database,
    in which a server does not start; else there is none.
    """
    _require_finished(new)
    kept = _keep(file)
    take_place(new, file)
    return kept


def take_place(new: Path, file: Path) -> None:
    """Give a database, closed and whole, the name of another one, when it and all else is on the disk."""
    _require_finished(new)
    os.sync()  # the files that it names may just have been moved, or made
    sync_paths([str(new)])
    for name in (log_of(file), file.with_name(f"{file.name}-shm")):
        name.unlink(missing_ok=True)
    new.replace(file)
    sync_paths([str(file.parent)])


def _require_finished(new: Path) -> None:
    if _is_filled(log_of(new)):
        raise InternalError("The log of a new database is not empty")


def _keep(file: Path) -> Path | None:
    log = log_of(file)
    if not _is_filled(file) and not _is_filled(log):
        log.unlink(missing_ok=True)
        return None
    kept = next(name for name in _names(file) if not name.exists() and not log_of(name).exists())
    if _is_filled(log):
        if file.exists():
            file.rename(kept)
        log.rename(log_of(kept))
        return kept
    log.unlink(missing_ok=True)
    try:
        os.link(file, kept)
    except OSError:  # a file system without hard links
        file.rename(kept)
    return kept


def _names(file: Path) -> Iterator[Path]:
    name = datetime.now(UTC).strftime(_KEPT)
    return (file.with_name(f"{name}{f'-{number}' if number else ''}{file.suffix}") for number in count())


def _is_filled(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_size > 0
    return False
