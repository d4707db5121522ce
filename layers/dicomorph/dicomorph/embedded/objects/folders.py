"""Paths of keys, and folders that come and go while other threads and processes use them."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import suppress

from dicomorph.model.errors import InternalError, TransientError
from dicomorph.model.object_keys import SIBLING_BYTES

ABSENT = (FileNotFoundError, NotADirectoryError)

SIBLING = re.compile(rf"[0-9a-f]{{{2 * SIBLING_BYTES}}}")
"""What a process adds to the name of a folder that it makes or puts aside."""

_ATTEMPTS = 1000
_PART = re.compile(r"(?!\.)[A-Za-z0-9._=+@~-]{1,255}")
_LONGEST_KEY = 1024  # as in S3


def path_of(root: str, key: str) -> str:
    """Return where a key lies; a key is made by the program, so a strange one is its fault."""
    if len(key) > _LONGEST_KEY or not all(_PART.fullmatch(part) for part in key.split("/")):
        raise InternalError("An object has a key that is not allowed")
    return f"{root}/{key}"


def move_into(source: str, target: str) -> None:
    """Move a file into a folder that may not exist, or be pruned at any moment."""
    for _ in range(_ATTEMPTS):
        try:
            os.rename(source, target)  # noqa: PTH104 - a hot path
        except FileNotFoundError:
            if not os.path.lexists(source):
                raise
            with suppress(FileNotFoundError, FileExistsError):  # pruned or made amid this call
                os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)  # noqa: PTH103, PTH120
        else:
            return
    raise TransientError("Object store: a folder vanishes again and again")


def prune(path: str, root: str) -> None:
    """Remove the folders above a deleted file as far as they are empty."""
    folder = os.path.dirname(path)  # noqa: PTH120 - a hot path
    while folder != root:
        try:
            os.rmdir(folder)  # noqa: PTH106 - a hot path
        except OSError:  # not empty, or pruned by another
            return
        folder = os.path.dirname(folder)  # noqa: PTH120


def siblings(folder: str) -> list[str]:
    """Return the folders beside one whose names are its own and a process's addition; no links."""
    root, name = os.path.split(folder)
    ours = re.compile(f"{re.escape(name)}-{SIBLING.pattern}")
    with os.scandir(root) as entries:
        return [
            entry.path
            for entry in entries
            if ours.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]


def remove_tree(folder: str) -> None:
    """Remove a folder that a file may still be moved into, by a call that found it in its old place."""
    for _ in range(_ATTEMPTS):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
    raise TransientError("Object store: a folder fills again and again")
