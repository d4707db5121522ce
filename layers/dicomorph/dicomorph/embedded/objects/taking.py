"""Taking a file as an object without copying it."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from dicomorph.embedded.objects.folders import move_into

# Another file system, or one without hard links, or with too many: the file is copied then.
_NOT_LINKED = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP))


def take_file(path: str, target: str, temporary: str) -> bool:
    """Give a file another name, at which it appears at once; tell whether that can be done.

    Parameters
    ----------
    path : str
        The file, which keeps this name, too.
    target : str
        The new name; what was there is replaced.
    temporary : str
        A name that is free, on the file system of the target.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):  # a link has a file of somebody else behind it
        return False
    try:
        os.link(path, temporary)
    except OSError as error:
        if error.errno in _NOT_LINKED:
            return False
        raise
    try:
        move_into(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108 - it stays where both names are of one file
    return True
