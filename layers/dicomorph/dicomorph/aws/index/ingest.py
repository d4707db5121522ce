"""Adding instances, without a transaction for each and without anything half-visible.

The order of the steps is the proof; `docs/adr/0007-index-key-schema.md` has it in full.

1. *Claim*: the instance is put as pending, on condition that there is none. Nobody sees it.
2. *Link*: its series gets a link to it.
3. *Touch*: each parent gets a new stamp, once a call, on condition that it exists. From here
   on no delete of the series can miss the link: it reads the stamp before it looks for links.
4. *Enter*: the entry replaces the pending item, on condition that it still is the one claimed.

A series that does not exist is created by a transaction, together with what is missing above
it and with the entry of one instance: there never is a resource without a child. A delete
that finds nothing but pending children takes them away; then step 4 fails, and the instance
starts over. A crash leaves a pending item and a link that nobody sees, which the next attempt
takes over and the delete of the series removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dicomorph.aws.dynamodb.errors import ConditionLostError
from dicomorph.aws.dynamodb.expressions import ABSENT, stamped, still_pending
from dicomorph.aws.dynamodb.keys import Item, child_key, resource_key
from dicomorph.aws.dynamodb.table import Table, attempts, won
from dicomorph.aws.index.items import (
    check_size,
    instance_item,
    is_pending,
    new_stamp,
    object_of,
    pending_item,
    stamp_of,
)
from dicomorph.aws.index.parents import Parents
from dicomorph.model.metadata_names import metadata_time
from dicomorph.model.resources import InstanceEntry, Level, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import StoreOutcome, StoreStatus, is_outdated


@dataclass(frozen=True, slots=True)
class _Claim:
    """An instance that is pending under a stamp, until its entry replaces it."""

    entry: InstanceEntry
    stamp: str


class DynamoIngest:
    """The port `Ingest`.

    Parameters
    ----------
    table : Table
        Where the items lie.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    """

    def __init__(self, table: Table, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def add(self, entries: Sequence[InstanceEntry], *, overwrite: OverwriteInstances) -> list[StoreOutcome]:
        """Add instances, creating their parents; each parent is written once an attempt.

        One that is named repeatedly is added in the order of the entries.
        """
        for entry in entries:
            check_size(entry)
        return [
            outcome
            for run in _distinct_runs(entries)
            for outcome in _Addition(self._table, overwrite, self._now).add(run)
        ]

    def sync(self) -> None:
        """Do nothing: DynamoDB answers a write when it is on disks in several places."""


def _distinct_runs(entries: Sequence[InstanceEntry]) -> Iterator[Sequence[InstanceEntry]]:
    """Yield entries in their order, cut before each whose instance was named since the last cut."""
    start, named = 0, set[str]()
    for number, entry in enumerate(entries):
        if entry.ancestry.instance in named:
            yield entries[start:number]
            start, named = number, set()
        named.add(entry.ancestry.instance)
    yield entries[start:]


class _Addition:
    """Adding different instances: how what is stored is treated, and what was replaced."""

    def __init__(self, table: Table, overwrite: OverwriteInstances, now: Callable[[], datetime]) -> None:
        self._table = table
        self._overwrite = overwrite
        self._now = now
        self._superseded: dict[str, ObjectRef | None] = {}

    def add(self, entries: Sequence[InstanceEntry]) -> list[StoreOutcome]:
        """Add them; the parents are told in the order of the entries."""
        outcomes: dict[str, StoreOutcome] = {}
        for _ in attempts():
            waiting = [entry for entry in entries if entry.ancestry.instance not in outcomes]
            if not waiting:
                break
            self._attempt(waiting, outcomes)
        return [outcomes[entry.ancestry.instance] for entry in entries]

    def _attempt(self, entries: Sequence[InstanceEntry], outcomes: dict[str, StoreOutcome]) -> None:
        """Bring entries in as far as nobody is in the way; write down those that are done."""
        claims, changing = [], []
        for entry, step in zip(entries, self._table.each(self._claim, entries), strict=True):
            if isinstance(step, _Claim):
                claims.append(step)
                changing.append(entry)
            elif step is not None:
                outcomes[entry.ancestry.instance] = step
                if step.superseded not in (None, entry.object):
                    changing.append(entry)
        self._table.each(self._link, claims)
        parents = Parents(self._table, changing, metadata_time(self._now()))
        parents.touch()
        for claim in self._enter(claims, parents):
            outcomes[claim.entry.ancestry.instance] = StoreOutcome(StoreStatus.SUCCESS)

    def _claim(self, entry: InstanceEntry) -> _Claim | StoreOutcome | None:
        if entry.replaces is not None:  # nothing is to come into being
            found = self._table.get(resource_key(Level.INSTANCE, entry.ancestry.instance))
            return self._meet(entry, None if found is None or is_pending(found) else found)
        stamp = new_stamp()
        try:
            self._table.put(pending_item(entry.ancestry.instance, stamp), ABSENT)
        except ConditionLostError as lost:
            if lost.found is None:
                return None
            if is_pending(lost.found):  # somebody else's, or ours before a crash: whoever enters first wins
                return _Claim(entry, stamp_of(lost.found))
            return self._meet(entry, lost.found)
        return _Claim(entry, stamp)

    def _meet(self, entry: InstanceEntry, found: Item | None) -> StoreOutcome | None:
        """Decide on an instance that is stored already, or should be; None if it changed meanwhile."""
        held = None if found is None else object_of(found)
        if held is not None and held.key == entry.object.key:
            return StoreOutcome(StoreStatus.SUCCESS, self._superseded.get(entry.ancestry.instance))
        if found is None or is_outdated(entry, held):
            return StoreOutcome(StoreStatus.FAILURE, entry.object)
        if self._overwrite.keeps(found["MD5"]["S"], entry.md5):
            return StoreOutcome(StoreStatus.ALREADY_STORED, entry.object)
        # A client that heard no answer repeats the put, and loses against itself.
        self._superseded[entry.ancestry.instance] = held
        if won(lambda: self._table.put(instance_item(entry), stamped(stamp_of(found)))):
            return StoreOutcome(StoreStatus.SUCCESS, held)
        return None

    def _link(self, claim: _Claim) -> None:
        ancestry = claim.entry.ancestry
        self._table.put(child_key(Level.SERIES, ancestry.series, ancestry.instance))

    def _enter(self, claims: Sequence[_Claim], parents: Parents) -> list[_Claim]:
        """Make pending instances visible; return those that are."""
        entered: list[_Claim] = []
        ready: list[_Claim] = []
        lost: set[str] = set()
        for claim in claims:
            series = claim.entry.ancestry.series
            if parents.has_series(claim.entry):
                ready.append(claim)
            elif series in lost:  # somebody else has just created it: the next attempt finds it
                continue
            elif parents.create(claim.entry, _entering(claim)):
                entered.append(claim)
            else:
                lost.add(series)
        results = self._table.each(self._enter_one, ready)
        return entered + [claim for claim, done in zip(ready, results, strict=True) if done]

    def _enter_one(self, claim: _Claim) -> bool:
        return won(lambda: self._table.put(instance_item(claim.entry), still_pending(claim.stamp)))


def _entering(claim: _Claim) -> tuple[str, Item]:
    return "Put", {"Item": instance_item(claim.entry), **still_pending(claim.stamp).arguments}
