"""A bounded number of threads, made when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Threads:
    """Runs what it is given, each on a thread; beyond the bound it waits, or is refused.

    Parameters
    ----------
    most : int
        Threads at once.
    queue : int
        How much may wait for one.
    """

    def __init__(self, name: str, *, most: int, queue: int) -> None:
        self._name = name
        self._most = most
        self._longest = queue
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = self._idle = self._waiting = 0

    def start(self, work: Callable[[], None], *, has_begun: bool = False) -> bool:
        """Run something, which raises nothing; tell whether it was taken.

        Parameters
        ----------
        has_begun : bool
            Whether it goes on with what was taken before, which may always wait.
        """
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._count < self._most and self._begin(work):
                return True
            elif self._count and (has_begun or self._waiting < self._longest):
                self._waiting += 1
            else:
                return False
        self._work.put(work)
        return True

    def are_wanted(self) -> bool:
        """Tell whether something waits for a thread."""
        return self._waiting > 0

    @property
    def is_scarce(self) -> bool:
        """Whether a thread should look for other work, where it could also wait for more of the same."""
        return self._waiting > 0 or 2 * (self._count - self._idle) > self._most

    def _begin(self, work: Callable[[], None]) -> bool:
        thread = threading.Thread(target=self._serve, args=(work,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no more
            return False
        self._count += 1
        return True

    def _serve(self, work: Callable[[], None]) -> None:
        while True:
            work()
            with self._lock:
                if self._waiting:
                    self._waiting -= 1
                else:
                    self._idle += 1
            work = self._work.get()
