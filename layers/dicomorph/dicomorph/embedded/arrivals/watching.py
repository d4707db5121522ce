"""Watching a folder: what is finished there is taken, and what cannot be is tried again."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.arrivals.notices import Notices
from dicomorph.embedded.arrivals.patience import Patience
from dicomorph.embedded.arrivals.sightings import Listing, Sighting, look
from dicomorph.embedded.arrivals.taking import Takers
from dicomorph.model.failures import causes
from dicomorph.services.arrival.door import Door

_THREADS: Final = 2  # more would take the processor from requests, and one file may be a large one
_AT_ONCE: Final = 5000  # files that are given to the threads before the next look
# Seconds between two looks; or as many times what the last one took, for a folder that holds very much.
_PAUSE: Final = 1.0  # where no change is told of
_PAUSE_TIMES: Final = 20
_SHORTEST_PAUSE: Final = 0.02  # however many changes are told of
_SHORTEST_PAUSE_TIMES: Final = 5
_TELL_EVERY: Final = 60.0  # seconds
_STOP_SECONDS: Final = 5.0
_GONE: Final = "The folder cannot be looked into"


class Watching:
    """Takes what arrives in a folder, until it is stopped.

    Parameters
    ----------
    root : str
        The folder, resolved.
    arrivals : FolderArrivals
        Over it.
    open_door : Callable[[], Door]
        Makes a door for each thread that takes files.
    steady : float
        Seconds for which a file must have stayed as it is, where nobody tells that it is finished.
    tell : Callable[[str], None]
        Says a line to the operator.
    """

    def __init__(
        self,
        root: str,
        arrivals: FolderArrivals,
        open_door: Callable[[], Door],
        *,
        steady: float,
        tell: Callable[[str], None],
    ) -> None:
        self._root = root
        self._patience = Patience(steady)
        self._notices = Notices(root, self._patience)
        self._takers = Takers(arrivals, open_door, threads=_THREADS)
        self._under_way: dict[str, Sighting] = {}
        self._news = News(tell)
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more; what is under way has some seconds, and is taken anew if it needs more."""
        self._is_stopping.set()
        self._notices.wake()
        self._thread.join(_STOP_SECONDS)
        self._takers.stop(_STOP_SECONDS)
        if not self._thread.is_alive():
            self._notices.close()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            began = time.monotonic()
            try:
                self._turn(began)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end the watching
                self._news.trouble([", ".join(causes(error))])
            took = time.monotonic() - began
            if self._is_stopping.wait(max(_SHORTEST_PAUSE, _SHORTEST_PAUSE_TIMES * took)):
                return
            self._notices.wait(max(_PAUSE, _PAUSE_TIMES * took))

    def _turn(self, now: float) -> None:
        self._notices.pass_on()
        self._gather(now)
        try:
            listing = look(self._root)
        except OSError:
            self._news.trouble([_GONE])
            return
        self._notices.watch(listing.folders)
        for file in self._patience.see(listing.files, now):
            if len(self._under_way) >= _AT_ONCE:
                break
            if file.place not in self._under_way:
                self._under_way[file.place] = file
                self._takers.take(file, may_be_written=self._patience.may_be_written(file.place))
        self._report(listing)

    def _gather(self, now: float) -> None:
        """Note how it went with what the threads were given."""
        with suppress(queue.Empty):
            while True:
                attempt = self._takers.results.get_nowait()
                del self._under_way[attempt.file.place]
                if attempt.is_busy:
                    self._patience.is_busy(attempt.file, now)
                elif attempt.reason:
                    self._patience.failed(attempt.file, now, attempt.reason)
                self._news.rejected += attempt.rejected

    def _report(self, listing: Listing) -> None:
        reasons = self._patience.reasons()
        if listing.unreadable:
            reasons["Folders that may not be read"] += listing.unreadable
        self._news.trouble(reasons.elements())
        self._news.tell_of_rejects()


class News:
    """Tells the operator by counts what could not be taken, no more often than once a minute.

    Parameters
    ----------
    tell : Callable[[str], None]
        Says a line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.rejected = 0
        self._tell = tell
        self._told: dict[str, tuple[str, float]] = {}

    def trouble(self, reasons: Iterable[str]) -> None:
        """Tell why files wait, if that is another thing than what was told last."""
        counts = sorted(Counter(reasons).items())
        listed = "; ".join(f"{reason}: {count}" for reason, count in counts)
        self._say("trouble", f"Files that arrived wait and are tried again: {listed}" if listed else "")

    def tell_of_rejects(self) -> None:
        """Tell how many files were set aside since the start."""
        count = self.rejected
        self._say(
            "rejects", f"Files that arrived and were set aside since the start: {count}" if count else ""
        )

    def _say(self, subject: str, line: str) -> None:
        told, when = self._told.get(subject, ("", float("-inf")))
        now = time.monotonic()
        if line == told or now - when < _TELL_EVERY:
            return
        self._told[subject] = line, now
        if line:
            self._tell(line)
