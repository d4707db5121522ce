"""What was seen of a part of the store: when, how much, and which versions nothing referred to.

::

    sweeps/<2 hex>.json   of the files below instances/<2 hex>/
    sweeps/jobs.json      of the documents of jobs

One that cannot be read, or has gone, counts as if nobody had looked yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dicomorph.jobs.strict_json import count, only, read
from dicomorph.model.object_keys import SWEEPS
from dicomorph.ports.objects import ObjectStore
from dicomorph.ports.versions import StoredVersion

_MOST_NAMED = 10_000  # of a part: 2 MB; the rest is named when these are gone
_FEW = 10
_PLAUSIBLE = 10  # one of so many


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a part.

    Parameters
    ----------
    time : datetime
        When, in UTC.
    looked : int
        How many files were old enough to be looked at.
    strays : int
        How many of them nothing referred to.
    named : frozenset[tuple[str, str]]
        Keys and versions of these, up to ten thousand.
    """

    time: datetime
    looked: int = 0
    strays: int = 0
    named: frozenset[tuple[str, str]] = frozenset()

    def has(self, version: StoredVersion) -> bool:
        """Tell whether nothing referred to this very version then."""
        return (version.key, version.version) in self.named

    def is_over(self, now: datetime, period: timedelta) -> bool:
        """Tell whether it is time to look again; so it is where the clock was wrong by as much."""
        return abs(now - self.time) >= period


def sighting_of(time: datetime, looked: int, strays: Iterable[StoredVersion]) -> Sighting:
    """Return what was seen of files."""
    names = sorted((stray.key, stray.version) for stray in strays)
    return Sighting(time, looked, len(names), frozenset(names[:_MOST_NAMED]))


def are_plausible(sightings: Iterable[Sighting]) -> bool:
    """Tell whether no more files are nobody's than crashes leave: one of ten, or ten.

    Otherwise it is rather the index that is lost, older than the files, or that of another stack.
    """
    seen = list(sightings)
    looked, strays = sum(one.looked for one in seen), sum(one.strays for one in seen)
    return strays <= max(_FEW, looked // _PLAUSIBLE)


def read_sighting(objects: ObjectStore, part: str) -> Sighting | None:
    """Return what was seen of a part, None if nobody has looked yet."""
    document = objects.get(_key(part))
    return None if document is None else read(document, _decode)


def write_sighting(objects: ObjectStore, part: str, sighting: Sighting) -> None:
    """Write it down."""
    document = {
        "Time": sighting.time.isoformat(),
        "Looked": sighting.looked,
        "Strays": sighting.strays,
        "Named": sorted(sighting.named),
    }
    objects.put(_key(part), json.dumps(document, separators=(",", ":")).encode("ascii"))


def _key(part: str) -> str:
    return f"{SWEEPS}{part}.json"


def _decode(document: Mapping[str, Any]) -> Sighting:
    return Sighting(
        datetime.fromisoformat(only(str, document["Time"])),
        count(document["Looked"]),
        count(document["Strays"]),
        frozenset((only(str, key), only(str, version)) for key, version in document["Named"]),
    )
