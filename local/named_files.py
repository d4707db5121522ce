"""Files that go by their names and their age, and nothing else in their folder."""

from __future__ import annotations

import errno
import math
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

_NO_FOLDER: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP))  # none, a file, a link


def remove_files(folder: Path, name: re.Pattern[str], *, before: float = math.inf) -> list[str]:
    """Remove the files of a folder with some names that are older than a time in seconds; return the names.

    A link to another folder is not followed.

    Raises
    ------
    OSError
        If they cannot be removed.
    """
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NO_FOLDER:
            return []
        raise
    try:
        with os.scandir(opened) as entries:
            found = [
                entry.name
                for entry in entries
                if name.fullmatch(entry.name)
                and entry.is_file(follow_symlinks=False)
                and entry.stat(follow_symlinks=False).st_mtime < before
            ]
        for one in found:
            with suppress(FileNotFoundError):
                os.unlink(one, dir_fd=opened)
        return found
    finally:
        os.close(opened)
