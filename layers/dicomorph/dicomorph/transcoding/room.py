"""Memory for frames, which all conversions of a process share."""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from typing import Final

_LARGE: Final = 1 << 25  # bytes
_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone


class Room:
    """A number of bytes that are given to those who ask, first come, first served.

    Who asks for more than there are gets all of them. Who has some and is refused more must give back
    what it has before it waits: so nobody waits for somebody who waits.

    Parameters
    ----------
    size : int
        How many there are.
    """

    def __init__(self, size: int) -> None:
        self.size = self._free = size
        self._waiting = deque[object]()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait for bytes."""
        return len(self._waiting)

    def take(self, size: int) -> None:
        """Take bytes, and wait for them until those who came before have theirs; only who has none may."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._fits(size))
                self._free -= min(size, self.size)
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def try_take(self, size: int) -> bool:
        """Take bytes if they are there and nobody waits for some; tell whether they were."""
        with self._changed:
            if self._waiting or not self._fits(size):
                return False
            self._free -= min(size, self.size)
            return True

    def give_back(self, size: int) -> None:
        """Give back what was asked for in one call.

        The small blocks of codecs, though freed, would stay with the thread that had them; each other
        thread takes its own.
        """
        if size >= _LARGE and _TRIM is not None:
            _TRIM(0)
        with self._changed:
            self._free += min(size, self.size)
            self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return min(size, self.size) <= self._free


FRAMES: Final = Room(1 << 28)
"""For the frames of all conversions of this process; one that is larger is alone."""
