"""The folder of ``--incoming``: found fit before anything in it is taken, and watched by one server alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.arrivals.watching import Watching
from dicomorph.embedded.backend import embedded_door, embedded_rejects
from dicomorph.services.backend import Backend
from local.greeting import say


class IncomingFolderError(Exception):
    """The folder cannot be watched; the message says why, in one line."""


@contextlib.contextmanager
def incoming_folder(path: Path, data: Path, targets: dict[str, Path]) -> Iterator[Path]:
    """Give the folder, resolved, which nobody else watches meanwhile; it is made if there is none.

    Parameters
    ----------
    path : Path
        ``~`` is the home of the user.
    data : Path
        The data folder, resolved.
    targets : dict[str, Path]
        The folders of the setting ``Targets``, resolved.

    Raises
    ------
    IncomingFolderError
        If it is not apart from one of these, is watched already, or files cannot be taken from it.
    """
    folder = path.expanduser().resolve()
    others = {"the data folder": data, **{f"the target {name}": place for name, place in targets.items()}}
    for what, other in others.items():
        if folder.is_relative_to(other) or other.is_relative_to(folder):
            raise IncomingFolderError(f"Cannot watch {folder}: it and {what}, {other}, are not apart")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise IncomingFolderError(f"Cannot watch {folder}: {os.strerror(error.errno or 0)}") from error
    try:
        _lock(opened, folder)
        yield folder
    finally:
        os.close(opened)


@contextlib.contextmanager
def arrivals_taken(backend: Backend, folder: Path, data: Path) -> Iterator[None]:
    """Take what arrives in a folder."""
    rejected = embedded_rejects(data, backend.settings)
    arrivals = FolderArrivals(str(folder), backend.objects.scratch)
    watching = Watching(
        str(folder),
        arrivals,
        partial(embedded_door, backend, arrivals, rejected),
        steady=backend.settings.arrival_stable_age,
        tell=lambda line: say(line, sys.stderr),
    )
    try:
        yield
    finally:
        watching.stop()


def _lock(opened: int, folder: Path) -> None:
    """Keep other servers away, where the file system knows of locks."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise IncomingFolderError(f"Cannot watch {folder}: another server does") from None
    except OSError:
        return
