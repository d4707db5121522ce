"""When a file is finished, and when one that could not be taken is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dicomorph.embedded.arrivals.sightings import Sighting

_FIRST_PAUSE = 2.0  # seconds before a second attempt; each further one waits twice as long
_LONGEST_PAUSE = 300.0


@dataclass(slots=True)
class _Known:
    """What is known of the file at one place: since when it is as it is, and how it went."""

    version: str
    since: float
    attempts: int = 0
    not_before: float = 0.0
    reason: str = ""


class Patience:
    """Knows which of the files that wait are to be taken. Times are of the monotonic clock.

    Parameters
    ----------
    steady : float
        Seconds for which a file must have stayed as it is, where nobody tells that it is finished.
    """

    def __init__(self, steady: float) -> None:
        self._steady = steady
        self._known: dict[str, _Known] = {}
        self._finished: set[str] = set()
        self._written: set[str] = set()

    def see(self, files: Iterable[Sighting], now: float) -> list[Sighting]:
        """Note all files that wait; return those to be taken now, those that wait for longest first."""
        before, self._known = self._known, {}
        for file in files:
            known = before.get(file.place)
            if known is None or known.version != file.version:
                known = _Known(file.version, now)
            self._known[file.place] = known
        self._finished &= self._known.keys()
        self._written &= self._known.keys()
        ready = [file for file in files if self._is_ready(file, now)]
        return sorted(ready, key=lambda file: (self._known[file.place].since, file.place))

    def is_finished(self, place: str) -> None:
        """Note that somebody has closed a file, or moved it here."""
        self._finished.add(place)
        self._written.discard(place)

    def is_written(self, place: str) -> None:
        """Note that somebody writes to a file, and will close it."""
        self._written.add(place)
        self._finished.discard(place)

    def forget_events(self) -> None:
        """Note that events were lost: what was told of files need not be so any more."""
        self._finished.clear()
        self._written.clear()

    def may_be_written(self, place: str) -> bool:
        """Tell whether a file was written to and, as far as is known, not closed since."""
        return place in self._written

    def is_busy(self, file: Sighting, now: float) -> None:
        """Note that somebody has a file open for writing: the time of waiting begins anew."""
        self._finished.discard(file.place)
        self._known[file.place] = _Known(file.version, now)

    def failed(self, file: Sighting, now: float, reason: str) -> None:
        """Note that a file could not be taken."""
        known = self._known.get(file.place) or _Known(file.version, now)
        self._known[file.place] = known
        known.attempts += 1
        known.reason = reason
        known.not_before = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (known.attempts - 1))

    def reasons(self) -> Counter[str]:
        """Return why files wait that could not be taken, and how many."""
        return Counter(known.reason for known in self._known.values() if known.reason)

    def _is_ready(self, file: Sighting, now: float) -> bool:
        known = self._known[file.place]
        if now < known.not_before:
            return False
        # An empty file may be the beginning of one that somebody opens once more.
        is_told = file.place in self._finished and file.size > 0
        return is_told or now - known.since >= self._steady
