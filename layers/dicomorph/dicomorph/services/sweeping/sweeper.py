"""Deleting the files and documents that nothing refers to any more, a part of the store at a time.

A file goes that was written more than some days ago, and had no entry, no living job that has made
or pinned it, and no other version, when it was looked for twice, as many days apart. So nothing that
goes on meanwhile takes long enough to be mistaken for what a crash has left: neither a task of a job
nor a deletion, whose files lose their entries first and are to stay readable for a while.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from dicomorph.model.errors import DicomorphError, InternalError, MisconfiguredError, TimeLimitError
from dicomorph.model.object_keys import INSTANCES, JOBS, is_instance_key
from dicomorph.ports.versions import StoredVersion, VersionedObjects
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.sweeping.referring import OfJobs, is_deleting, without_entry
from dicomorph.services.sweeping.sightings import (
    Sighting,
    are_plausible,
    read_sighting,
    sighting_of,
    write_sighting,
)

LEAST_DAYS: Final = 2
"""A day more than anything is retried that has written a file and not its entry, which is below a day."""

_FOLDERS: Final = tuple(f"{number:02x}" for number in range(256))
_JOBS: Final = "jobs"
_AT_ONCE = 1000
_JOB_FOLDER = re.compile(rf"{JOBS}([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})/")
_UNFINISHED = "The rest is looked at by the next run"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SweepRules:
    """What may go.

    Parameters
    ----------
    days : int
        How old a file has to be, and for how long nothing may have referred to it.
    deletes : bool
        Whether it is deleted, or counted only.

    Raises
    ------
    MisconfiguredError
        If `days` is less than `LEAST_DAYS`.
    """

    days: int
    deletes: bool

    def __post_init__(self) -> None:
        if self.days < LEAST_DAYS:
            raise MisconfiguredError(f"SweepAfterDays must be at least {LEAST_DAYS}")

    @property
    def age(self) -> timedelta:
        """The days."""
        return timedelta(days=self.days)


@dataclass(slots=True)
class Swept:
    """What a run did: parts, files and documents that were looked at, and what of them went."""

    parts: int = 0
    looked: int = 0
    strays: int = 0
    files: int = 0
    documents: int = 0


class Sweeper:
    """Looks at the parts of a store in turn, those first at which nobody has looked for longest.

    Any step may be repeated, and two may do it at once: what one has deleted, the other one finds gone.

    Parameters
    ----------
    backend : Backend
        The store, its index and its jobs.
    versions : VersionedObjects
        The versions of the store.
    rules : SweepRules
        What may go.
    """

    def __init__(self, backend: Backend, versions: VersionedObjects, rules: SweepRules) -> None:
        self._backend = backend
        self._versions = versions
        self._rules = rules

    def run(self, *, seconds: float) -> Swept:
        """Look at the parts that are due, as long as there is time; what is left, the next run does.

        A part that fails keeps no other one from being looked at.

        Raises
        ------
        DicomorphError
            One of the failures, so that somebody is told; so he is of too many files without an entry,
            of which none goes then.
        """
        deadline = Deadline(seconds, _UNFINISHED)
        now = self._backend.now()
        known = self._known()
        due = [part for part in (*_FOLDERS, _JOBS) if self._is_due(known.get(part), now)]
        is_plausible = are_plausible(known.values())
        swept, failure = Swept(), None if is_plausible or not due else _implausible()
        for part in sorted(due, key=lambda one: known[one].time if one in known else _never(now)):
            try:
                deadline.check()
                self._look(part, known.get(part), swept, deadline, deletes=is_plausible)
            except TimeLimitError:
                break
            except DicomorphError as error:
                failure = error
        _logger.info("Swept", extra=asdict(swept))
        if failure is not None:
            raise failure
        return swept

    def _known(self) -> dict[str, Sighting]:
        parts = (*_FOLDERS, _JOBS)
        found = self._backend.side_by_side(lambda part: read_sighting(self._backend.objects, part), parts)
        return {part: seen for part, seen in zip(parts, found, strict=True) if seen is not None}

    def _is_due(self, seen: Sighting | None, now: datetime) -> bool:
        return seen is None or seen.is_over(now, self._rules.age)

    def _look(
        self, part: str, before: Sighting | None, swept: Swept, deadline: Deadline, *, deletes: bool
    ) -> None:
        """Look at a part, delete what may go, and write down what is left."""
        deletes = deletes and self._rules.deletes
        now = self._backend.now()
        if part == _JOBS:
            swept.documents += self._sweep_documents(now, deadline, deletes=deletes)
            seen = Sighting(now)
        else:
            looked, strays = self._strays(part, now, deadline)
            gone = self._sweep_files(strays, before, now) if deletes else []
            swept.looked += looked
            swept.strays += len(strays)
            swept.files += len(gone)
            seen = sighting_of(now, looked, set(strays).difference(gone))
        write_sighting(self._backend.objects, part, seen)
        swept.parts += 1

    def _strays(self, part: str, now: datetime, deadline: Deadline) -> tuple[int, list[StoredVersion]]:
        """Return how many files are old enough, and those of them that have no entry."""
        files = (
            file
            for file in self._versions.newest(f"{INSTANCES}{part}/")
            if is_instance_key(file.key) and self._is_old(file, now)
        )
        looked, strays = 0, list[StoredVersion]()
        for some in _chunks(files):
            deadline.check()
            looked += len(some)
            strays += without_entry(self._backend, some)
        return looked, strays

    def _sweep_files(
        self, strays: list[StoredVersion], before: Sighting | None, now: datetime
    ) -> list[StoredVersion]:
        """Delete what nothing has referred to since the last look, and return it."""
        if before is None or now - before.time < self._rules.age:  # the clock was ahead, or two look at once
            return []
        found = [stray for stray in strays if before.has(stray)]
        if not found or is_deleting(self._backend):
            return []
        # Once more: a job may have brought its product in, and ended, since the entries were looked at.
        gone = without_entry(self._backend, OfJobs(self._backend).unneeded(found))
        self._versions.erase(gone)
        return gone

    def _sweep_documents(self, now: datetime, deadline: Deadline, *, deletes: bool) -> int:
        """Delete the documents of jobs that nobody knows, all of whose documents are old."""
        if not deletes:
            return 0
        folders = list(filter(None, map(_JOB_FOLDER.fullmatch, self._versions.folders(JOBS))))
        known = {job.id for job in self._backend.jobs.all()}  # a record is older than its documents
        count = 0
        for folder in folders:
            if folder[1] not in known:
                deadline.check()
                documents = list(self._versions.newest(folder[0]))
                if all(self._is_old(document, now) for document in documents):
                    self._versions.erase(documents)
                    count += len(documents)
        return count

    def _is_old(self, version: StoredVersion, now: datetime) -> bool:
        return now - version.modified >= self._rules.age


def _chunks(versions: Iterator[StoredVersion]) -> Iterator[list[StoredVersion]]:
    while some := list(islice(versions, _AT_ONCE)):
        yield some


def _never(now: datetime) -> datetime:
    return datetime.min.replace(tzinfo=now.tzinfo)


def _implausible() -> DicomorphError:
    _logger.error("So many files have no entry that none is deleted: the index may be lost, or an older one")
    return InternalError("Too many files have no entry")
