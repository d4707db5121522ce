"""A clock that jumps from event to event, and processes that wait for it: generators."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator, Sequence
from typing import Any

Process = Generator[Any, Any, Any]
"""Yields seconds to sleep, or a `Signal` to wait for; what the latter was given, it gets."""


class Signal:
    """Something that happens once."""

    def __init__(self) -> None:
        self.is_set = False
        self.value: Any = None
        self._told: list[Callable[[Any], None]] = []

    def set(self, value: Any = None) -> None:
        """Let it happen, unless it has."""
        if not self.is_set:
            self.is_set, self.value = True, value
            for tell in self._told:
                tell(value)

    def tell(self, callback: Callable[[Any], None]) -> None:
        """Call back when it happens, or now."""
        if self.is_set:
            callback(self.value)
        else:
            self._told.append(callback)


class Running:
    """A process under way, with what it has spawned."""

    def __init__(self, process: Process, parent: Running | None) -> None:
        self.process = process
        self.end = Signal()
        self._parent = parent
        self._is_killed = False

    @property
    def is_killed(self) -> bool:
        """Whether it, or what spawned it, was ended from outside."""
        return self._is_killed or (self._parent is not None and self._parent.is_killed)

    def kill(self) -> None:
        """End it where it stands."""
        self._is_killed = True


class Clock:
    """The time, and what is to happen when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._current: Running | None = None

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), happen))

    def spawn(self, process: Process, *, is_detached: bool = False) -> Running:
        """Begin a process; one that is detached outlives what has spawned it."""
        running = Running(process, None if is_detached else self._current)
        self.at(0, lambda: self._resume(running, None))
        return running

    def run(self) -> None:
        """Let everything happen."""
        while self._events:
            self.now, _, happen = heapq.heappop(self._events)
            happen()

    def within(self, running: Running, seconds: float) -> Signal:
        """Return a signal that has whether a process ended in time, which is killed if it does not."""
        found = Signal()
        running.end.tell(lambda _: found.set(True))

        def expire() -> None:
            if not running.end.is_set:
                running.kill()
            found.set(False)

        self.at(seconds, expire)
        return found

    def _resume(self, running: Running, value: Any) -> None:
        if running.is_killed:
            return
        before, self._current = self._current, running
        try:
            wanted = running.process.send(value)
        except StopIteration as stop:
            running.end.set(stop.value)
            return
        finally:
            self._current = before
        if isinstance(wanted, Signal):
            wanted.tell(lambda told: self.at(0, lambda: self._resume(running, told)))
        else:
            self.at(wanted, lambda: self._resume(running, None))


def all_of(running: Sequence[Running]) -> Process:
    """Wait for processes."""
    for one in running:
        yield one.end
