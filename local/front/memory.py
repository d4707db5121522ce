"""Memory that all connections share, so that many together take no more than is good."""

from __future__ import annotations

import threading


class Memory:
    """Counts what is taken of it; takes nothing itself.

    Parameters
    ----------
    size : int
        Bytes.
    """

    def __init__(self, size: int) -> None:
        self._room = size
        self._lock = threading.Lock()

    def reserve(self, size: int) -> bool:
        """Take memory if there is room for it."""
        with self._lock:
            taken = size <= self._room
            self._room -= size if taken else 0
            return taken

    def release(self, size: int) -> None:
        """Give memory back."""
        with self._lock:
            self._room += size
