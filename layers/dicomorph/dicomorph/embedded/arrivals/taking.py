"""Threads that take the files of a watched folder, one each at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.arrivals.sightings import Sighting
from dicomorph.model.errors import DicomorphError, UnknownResourceError
from dicomorph.model.failures import causes
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Rejected, Taken, Worked
from dicomorph.services.arrival.rules import UPLOADS
from dicomorph.services.arrival.take import take
from dicomorph.services.arrival.take_archive import Portion


@dataclass(frozen=True, slots=True)
class Attempt:
    """How it went with a file.

    Parameters
    ----------
    reason : str
        Why it could not be taken, free of names and values; empty where it was.
    is_busy : bool
        Whether somebody writes to it, so that nothing was tried.
    rejected : int
        How many were set aside: it, or members of it.
    """

    file: Sighting
    reason: str = ""
    is_busy: bool = False
    rejected: int = 0


class Takers:
    """Takes files on threads of its own.

    Parameters
    ----------
    arrivals : FolderArrivals
        Where they are.
    open_door : Callable[[], Door]
        Makes a door for each thread.
    threads : int
        How many there are.
    """

    def __init__(self, arrivals: FolderArrivals, open_door: Callable[[], Door], *, threads: int) -> None:
        self.results: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self._arrivals = arrivals
        self._open_door = open_door
        self._files: queue.SimpleQueue[tuple[Sighting, bool] | None] = queue.SimpleQueue()
        self._is_stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"arrivals-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def take(self, file: Sighting, *, may_be_written: bool) -> None:
        """Have a file taken.

        Parameters
        ----------
        may_be_written : bool
            Whether it is to wait unless it is certain that nobody writes to it.
        """
        self._files.put((file, may_be_written))

    def stop(self, seconds: float) -> None:
        """Take nothing more, and wait for what is under way; what takes longer comes again some day."""
        self._is_stopping.set()
        for _ in self._threads:
            self._files.put(None)
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        door = self._open_door()
        while (asked := self._files.get()) is not None and not self._is_stopping.is_set():
            file, may_be_written = asked
            self.results.put(self._attempt(door, file, may_be_written=may_be_written))

    def _attempt(self, door: Door, file: Sighting, *, may_be_written: bool) -> Attempt:
        try:
            if file.name.startswith(UPLOADS):
                return Attempt(file, "A folder with the name 'uploads' is not for arrivals")
            if self._is_written(file, may_be_written=may_be_written):
                return Attempt(file, is_busy=True)
            arrived = Arrived(file.name, file.place, file.version)
            taken = take(door, arrived, portion=_UntilStopped(self._is_stopping))
        except DicomorphError as error:
            return Attempt(file, error.details or type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other files go on
            return Attempt(file, ", ".join(causes(error)))
        return Attempt(file, rejected=_rejected(taken))

    def _is_written(self, file: Sighting, *, may_be_written: bool) -> bool:
        try:
            found = self._arrivals.is_written(file.place)
        except UnknownResourceError:
            return True  # the next look will tell what became of it
        return may_be_written if found is None else found


class _UntilStopped(Portion):
    """All of an archive: nobody here has to end within minutes. One that is cut short begins anew."""

    def __init__(self, is_stopping: threading.Event) -> None:
        super().__init__()
        self._is_stopping = is_stopping

    @property
    def is_spent(self) -> bool:
        """Whether the server ends."""
        return self._is_stopping.is_set()


def _rejected(taken: Taken) -> int:
    if isinstance(taken, Worked):
        return taken.progress.rejected
    return int(isinstance(taken, Rejected))
