"""Whether somebody has a file open for writing: Linux gives no lease to read it then (fcntl(2))."""

from __future__ import annotations

import fcntl
import os
import re
import signal
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")
_POINT, _SEPARATOR = 4, "-"  # the place of the mount point in a line, and what comes before the type
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")  # spaces and the like (proc(5))
# Others refuse leases for reasons of their own, such as a server of NFS that has not delegated the file.
_LOCAL: Final = frozenset(
    ("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs")
)


def device_with_leases(folder: str) -> int | None:
    """Return the device of a folder if refusals of leases on it tell of writers, else None.

    Parameters
    ----------
    folder : str
        Resolved.
    """
    longest = ("", "")
    try:
        for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
            fields = line.split(" ")
            point = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[_POINT])
            kind = fields[fields.index(_SEPARATOR) + 1]
            if Path(folder).is_relative_to(point) and len(point) >= len(longest[0]):
                longest = point, kind
        return os.stat(folder).st_dev if longest[1] in _LOCAL else None  # noqa: PTH116 - a path as text
    except (OSError, ValueError, IndexError):
        return None


def is_open_for_writing(descriptor: int) -> bool | None:
    """Tell whether anybody has a file open for writing; None if only its owner would be told."""
    try:
        # Whoever opens it just now makes the kernel send a signal, which by default ends a process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
