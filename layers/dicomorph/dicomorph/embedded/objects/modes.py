"""The rights of files and folders, where others than their owner may read them."""

from __future__ import annotations

import os
import stat

PRIVATE = 0o600
"""The rights of a file that is its owner's alone."""


def folder_mode(mode: int) -> int:
    """Return the rights of a folder whose files have some: who may read them may enter it.

    Examples
    --------
    >>> oct(folder_mode(0o640))
    '0o750'
    """
    return mode | (mode & 0o444) >> 2


def give_mode(descriptor: int, mode: int) -> None:
    """Give a file its rights, whatever the process's mask says."""
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)


def open_folders(path: str, root: str, mode: int) -> None:
    """Give the folders between a file and a root the rights that those of the file ask for."""
    wanted = folder_mode(mode)
    folder = os.path.dirname(path)  # noqa: PTH120 - paths are text here
    while folder != root:
        if stat.S_IMODE(os.stat(folder).st_mode) != wanted:  # noqa: PTH116
            os.chmod(folder, wanted)  # noqa: PTH101
        folder = os.path.dirname(folder)  # noqa: PTH120
