"""Writing files and folders to the disk, many at a time: the file system commits them together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache

from dicomorph.embedded.objects.folders import ABSENT

# Measured on ext4: 25 files one after the other take 200 ms, by 16 threads 25 ms.
_THREADS = 16


def sync_paths(paths: Sequence[str]) -> None:
    """Write files or folders to the disk; those that are gone are left out."""
    if len(paths) == 1:
        _sync(paths[0])
    else:
        # After a deletion most are gone: a thread for each would take longer than the disk.
        list(_pool().map(_sync, filter(os.path.lexists, paths)))


def folders_above(paths: Iterable[str], root: str) -> set[str]:
    """Return all folders between files and a root, which is one of them."""
    folders = {root}
    for path in paths:
        folder = os.path.dirname(path)  # noqa: PTH120 - a hot path
        while folder not in folders:
            folders.add(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
    return folders


def _sync(path: str) -> None:
    with suppress(*ABSENT):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, "sync")
