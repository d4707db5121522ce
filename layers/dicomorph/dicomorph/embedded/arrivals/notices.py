"""Being told of changes in a watched folder, where the system does; the rest is found by looking."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterable

from dicomorph.embedded.arrivals.inotify import CLOSE_WRITE, MODIFY, MOVED_TO, OVERFLOW, Inotify
from dicomorph.embedded.arrivals.patience import Patience


class Notices:
    """What is told of the files in a folder and in all below it; nothing depends on it but the pace.

    Parameters
    ----------
    root : str
        The folder.
    patience : Patience
        Is told.
    """

    def __init__(self, root: str, patience: Patience) -> None:
        self._root = root
        self._patience = patience
        self._folders: dict[int, str] = {}
        self._inotify: Inotify | None = None
        with contextlib.suppress(OSError):  # another system, or too many of them: then we look
            self._inotify = Inotify()
        self._ear, self._mouth = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if hasattr(os, "pipe2") else os.pipe()

    def watch(self, folders: Iterable[str]) -> None:
        """Watch folders, by their paths below the root, and under these from now on."""
        if self._inotify is None:
            return
        watched = ((self._inotify.watch(f"{self._root}/{folder}"), folder) for folder in folders)
        self._folders = {watch: folder for watch, folder in watched if watch is not None}

    def wait(self, seconds: float) -> None:
        """Wait for a change, or for `wake`."""
        listened = [self._ear, *([self._inotify.fileno()] if self._inotify else [])]
        heard, _, _ = select.select(listened, [], [], seconds)
        if self._ear in heard:
            os.read(self._ear, 4096)

    def pass_on(self) -> None:
        """Tell what has happened; to be called after `wait`."""
        for event in self._inotify.read() if self._inotify else ():
            if event.mask & OVERFLOW:
                self._patience.forget_events()
            folder = self._folders.get(event.watch)
            if folder is None or not event.name:
                continue
            place = f"{folder}/{event.name}" if folder else event.name
            if event.mask & MODIFY:
                self._patience.is_written(place)
            elif event.mask & (CLOSE_WRITE | MOVED_TO):
                self._patience.is_finished(place)

    def wake(self) -> None:
        """End a `wait`, or the next one."""
        with contextlib.suppress(OSError):  # full: it is awake
            os.write(self._mouth, b"\0")

    def close(self) -> None:
        """Give back what the system has lent."""
        if self._inotify is not None:
            self._inotify.close()
        os.close(self._ear)
        os.close(self._mouth)
