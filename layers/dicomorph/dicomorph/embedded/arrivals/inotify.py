"""What the kernel tells of changes in folders (Linux, inotify(7)), by way of the C library."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from dataclasses import dataclass
from typing import Final

MODIFY: Final = 0x2
CLOSE_WRITE: Final = 0x8
MOVED_TO: Final = 0x80
_CREATE: Final = 0x100
OVERFLOW: Final = 0x4000
_ONLYDIR: Final = 0x01000000
_DONT_FOLLOW: Final = 0x02000000
_EVENTS: Final = MODIFY | CLOSE_WRITE | MOVED_TO | _CREATE | _ONLYDIR | _DONT_FOLLOW
_HEAD: Final = struct.Struct("iIII")  # the watch, what happened, a cookie, the length of the name
_AT_ONCE: Final = 1 << 16
_MOST_READS: Final = 16  # at a time, however fast others write


@dataclass(frozen=True, slots=True)
class Happened:
    """One event.

    Parameters
    ----------
    watch : int
        Of the folder, as `Inotify.watch` has told; -1 for `OVERFLOW`.
    mask : int
        What happened: `MODIFY`, `CLOSE_WRITE`, `MOVED_TO`, `OVERFLOW`.
    name : str
        Of the file in the folder.
    """

    watch: int
    mask: int
    name: str


class Inotify:
    """An instance of inotify.

    Raises
    ------
    OSError
        If the system has none, or no more of them.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._library, "inotify_init1"):
            raise OSError(0, "There is no inotify")
        self._descriptor = int(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def fileno(self) -> int:
        """Return what to wait for with `select`."""
        return self._descriptor

    def watch(self, folder: str) -> int | None:
        """Watch a folder, if it is not watched yet, and return its number; None if that cannot be."""
        found = int(self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), _EVENTS))
        return None if found < 0 else found

    def read(self) -> list[Happened]:
        """Return what has happened since."""
        found: list[Happened] = []
        for _ in range(_MOST_READS):
            if not select.select([self._descriptor], [], [], 0)[0]:
                break
            content = os.read(self._descriptor, _AT_ONCE)
            at = 0
            while at < len(content):
                watch, mask, _, length = _HEAD.unpack_from(content, at)
                at += _HEAD.size + length
                found.append(Happened(watch, mask, os.fsdecode(content[at - length : at].rstrip(b"\0"))))
        return found

    def close(self) -> None:
        """Watch nothing any more."""
        os.close(self._descriptor)
