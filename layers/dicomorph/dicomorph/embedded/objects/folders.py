"""Paths of keys, and folders that come and go while other threads and processes use them."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress

from dicomorph.model.errors import InternalError, TransientError
from dicomorph.model.object_keys import SIBLING_BYTES

ABSENT = (FileNotFoundError, NotADirectoryError)

PINNED = "pinned"
"""The folder, beside that of the objects, of what was deleted while a job lived that has pinned it."""

ORPHANS = "orphans"
"""The folder, beside that of the objects, of what a start found without anything that refers to it."""

SIBLING = re.compile(rf"[0-9a-f]{{{2 * SIBLING_BYTES}}}")
"""What a process adds to the name of a folder that it makes or puts aside."""

_ATTEMPTS = 1000
_PART = re.compile(r"(?!\.)[A-Za-z0-9._=+@~-]{1,255}")
_LONGEST_KEY = 1024  # as in S3


def path_of(root: str, key: str) -> str:
    """Return where a key lies; a key is made by the program, so a strange one is its fault."""
    if not is_key(key):
        raise InternalError("An object has a key that is not allowed")
    return f"{root}/{key}"


def is_key(key: str) -> bool:
    """Tell whether a key is one that the program may have made."""
    return len(key) <= _LONGEST_KEY and all(_PART.fullmatch(part) for part in key.split("/"))


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
        except ABSENT:  # pruned by another, who may have died before it came to the one above
            pass
        except OSError:  # not empty
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


def files_below(root: str, folder: str, *, completely: bool = False) -> Iterator[str]:
    """Yield the paths, from a folder on, of all files below another one in it; no link is followed.

    Parameters
    ----------
    completely : bool
        Whether all of them must be seen: what is not found is taken for what is not there.

    Raises
    ------
    OSError
        If they must, and a folder cannot be read or there is a link, behind which files may be.
    """
    path = f"{root}/{folder}"
    if os.path.islink(path):  # noqa: PTH114 - paths are text here
        _pass_by(path, completely=completely)
        return
    try:
        with os.scandir(path) as entries:
            found = [
                (
                    entry.name,
                    entry.is_dir(follow_symlinks=False),
                    entry.is_symlink(),
                    entry.is_file(follow_symlinks=False),
                )
                for entry in entries
            ]
    except ABSENT:
        return
    except PermissionError:
        if completely:
            raise
        return
    for name, is_folder, is_link, is_file in found:
        if is_link:
            _pass_by(f"{path}/{name}", completely=completely)
        elif is_folder:
            yield from files_below(root, f"{folder}/{name}", completely=completely)
        elif is_file:  # whoever opens a pipe waits for ever
            yield f"{folder}/{name}"


def _pass_by(link: str, *, completely: bool) -> None:
    if completely:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), link)
