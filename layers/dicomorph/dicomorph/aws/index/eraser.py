"""Deleting instances, and the resources that are left without any.

An instance goes together with its link in one transaction. The last one of a series takes
the series and the ancestors that become empty with it, on condition of their stamps; when
something is left above, that gets a new stamp in the same transaction. So of two deletes, or
a delete and an upload, one always notices the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice

from dicomorph.aws.dynamodb.expressions import EXISTS, NOT_LIVE, Update, stamped
from dicomorph.aws.dynamodb.keys import Item, child_key, resource_key
from dicomorph.aws.dynamodb.table import Table, attempts, won
from dicomorph.aws.index.catalogue import DynamoCatalogue
from dicomorph.aws.index.items import (
    METADATA,
    ancestry_of,
    id_of,
    is_pending,
    new_stamp,
    object_of,
    stamp_of,
)
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.metadata_names import LAST_UPDATE, metadata_time
from dicomorph.model.resources import PARENT_LEVELS, Ancestry, Level, ObjectRef, Pin
from dicomorph.ports.index import Removal

_UPWARDS = PARENT_LEVELS[::-1]
_REMOVED_AT_ONCE = 1000  # whose items are in memory together
_PEEK = 4  # links of each partition to try before all of them; more than the one left out
_Action = tuple[str, Item]
_Wanted = Callable[[Item], bool]


class DynamoEraser:
    """The port `Eraser`.

    Parameters
    ----------
    table : Table
        Where the items lie.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    """

    def __init__(self, table: Table, now: Callable[[], datetime]) -> None:
        self._table = table
        self._catalogue = DynamoCatalogue(table)
        self._now = now

    def remove(self, level: Level, resource_id: str) -> Removal:
        """Delete a resource with all it holds now, and the ancestors left without children.

        What is uploaded below it meanwhile stays, with the parents it needs. An interrupted
        delete of more than one instance has deleted some of them; repeat it.
        """
        item = self._catalogue.item(level, resource_id)
        if item is None:
            raise UnknownResourceError
        if level is Level.INSTANCE:
            objects = self._remove_from(ancestry_of(item, level), [item], _any)
            if not objects:
                raise UnknownResourceError
        else:
            objects = []
            for ancestry in self._catalogue.lineages(level, resource_id):
                items = self._catalogue.instances(Level.SERIES, ancestry.series)
                objects += self._remove_from(ancestry, items, _any)
        return Removal(self._lowest_above(level, ancestry_of(item, level)), objects)

    def remove_instances(self, pins: Sequence[Pin], *, exactly: bool = False) -> list[ObjectRef]:
        """See `Eraser.remove_instances`.

        Returns
        -------
        list[ObjectRef]
            The pinned objects, whoever deleted their entries: an entry refers to no object
            but its own, so a repeated call names what an interrupted one could not discard.
        """
        pinned = {pin.ancestry.instance: pin.object for pin in pins}
        by_series = sorted(pins, key=lambda pin: pin.ancestry.series)
        for _, group in groupby(by_series, key=lambda pin: pin.ancestry.series):
            some = list(group)
            keys = (resource_key(Level.INSTANCE, pin.ancestry.instance) for pin in some)
            found = (item for item in self._table.get_many(keys) if not is_pending(item))
            wanted = _at(pinned, exactly=exactly)
            self._remove_from(some[0].ancestry, [item for item in found if wanted(item)], wanted)
        return list(dict.fromkeys(pin.object for pin in pins))

    def _remove_from(self, ancestry: Ancestry, items: Iterable[Item], wanted: _Wanted) -> list[ObjectRef]:
        """Delete instances of one series, the last one with what it leaves empty."""
        waiting = iter(items)
        last = next(waiting, None)
        removed: list[ObjectRef | None] = []
        while last is not None and (some := [last, *islice(waiting, _REMOVED_AT_ONCE)])[1:]:
            removed += self._table.each(lambda item: self._remove_one(item, wanted), some[:-1])
            last = some[-1]
        removed.append(self._remove_last(ancestry, last, wanted, is_changed=any(removed)))
        return [ref for ref in removed if ref is not None]

    def _remove_one(self, item: Item, wanted: _Wanted) -> ObjectRef | None:
        current: Item | None = item
        for _ in attempts():
            if current is None or not wanted(current):
                break
            if won(lambda at=current: self._table.transact(_erasing(at))):  # type: ignore[misc]
                return object_of(current)
            current = self._catalogue.item(Level.INSTANCE, id_of(item))
        return None

    def _remove_last(
        self, ancestry: Ancestry, item: Item | None, wanted: _Wanted, *, is_changed: bool
    ) -> ObjectRef | None:
        """Delete an instance (None: no more) with the ancestors that have no other child.

        Parameters
        ----------
        is_changed : bool
            Whether instances of the series were deleted before, of which its ancestors are to be told.
        """
        for _ in attempts():
            if self._try_remove_last(ancestry, item, is_changed=is_changed or item is not None):
                break
            if item is not None:
                item = self._catalogue.item(Level.INSTANCE, id_of(item))
                item = item if item is not None and wanted(item) else None
        return None if item is None else object_of(item)

    def _try_remove_last(self, ancestry: Ancestry, item: Item | None, *, is_changed: bool) -> bool:
        upwards = self._upwards(ancestry, "" if item is None else id_of(item), is_changed=is_changed)
        if upwards is None:
            return False
        actions = upwards if item is None else _erasing(item) + upwards
        if actions and not won(lambda: self._table.transact(actions)):
            return False
        if actions or is_changed:
            self._refresh_above(ancestry)
        return True

    def _refresh_above(self, ancestry: Ancestry) -> None:
        """Tell the ancestors that remain of the change (LastUpdate, spec 1.4)."""
        update = Update(EXISTS, {METADATA + LAST_UPDATE: {"S": metadata_time(self._now())}})
        for level in _UPWARDS[1:]:
            won(lambda at=level: self._table.update(resource_key(at, ancestry.at(at)), update))  # type: ignore[misc]

    def _upwards(self, ancestry: Ancestry, without: str, *, is_changed: bool) -> list[_Action] | None:
        """Return what goes with the last child of a series, None if that changes right now."""
        stamps = self._stamps(ancestry)  # before any look for children: see `ingest`
        if Level.SERIES not in stamps:
            return []
        actions: list[_Action] = []
        for level in _UPWARDS:
            if level not in stamps:
                return None
            resource = {"Key": resource_key(level, ancestry.at(level))}
            if self._has_other(level, ancestry, without):
                if not actions and not is_changed:
                    return []  # the series stays as it is
                return [*actions, ("Update", resource | self._without_child(stamps[level]).arguments)]
            actions.append(("Delete", resource | stamped(stamps[level]).arguments))
            if level.parent is not None:
                actions.append(("Delete", {"Key": _link(level.parent, level, ancestry)}))
        return actions

    def _without_child(self, stamp: str) -> Update:
        """Return what a resource is told that loses a child and keeps another one."""
        last_update = {METADATA + LAST_UPDATE: {"S": metadata_time(self._now())}}
        return Update(stamped(stamp), {"Stamp": {"S": new_stamp()}} | last_update)

    def _stamps(self, ancestry: Ancestry) -> dict[Level, str]:
        levels = {resource_key(level, ancestry.at(level))["PK"]["S"]: level for level in _UPWARDS}
        items = self._table.get_many(resource_key(level, ancestry.at(level)) for level in _UPWARDS)
        return {levels[item["PK"]["S"]]: stamp_of(item) for item in items}

    def _has_other(self, level: Level, ancestry: Ancestry, without: str) -> bool:
        if level is Level.SERIES:
            return self._has_other_instance(ancestry, without)
        one = ancestry.study if level is Level.PATIENT else ancestry.series
        return any(child != one for child in self._catalogue.links(level, ancestry.at(level), first=2))

    def _has_other_instance(self, ancestry: Ancestry, without: str) -> bool:
        """Tell whether a series holds a stored instance; if not, take away what is pending."""
        some = self._others(ancestry, without, first=_PEEK)
        if not some or self._catalogue.live(some):
            return bool(some)
        for _ in attempts():
            others = self._others(ancestry, without)
            if not others or self._catalogue.live(others):
                return bool(others)
            self._table.each(lambda child: self._revoke(ancestry, child), others)
        return True

    def _others(self, ancestry: Ancestry, without: str, *, first: int = 0) -> list[str]:
        links = self._catalogue.links(Level.SERIES, ancestry.series, first=first)
        return [child for child in links if child != without]

    def _revoke(self, ancestry: Ancestry, instance_id: str) -> bool:
        """Take a link and its pending instance away, if that has not been stored meanwhile."""
        instance = {"Key": resource_key(Level.INSTANCE, instance_id), **NOT_LIVE.arguments}
        link = {"Key": child_key(Level.SERIES, ancestry.series, instance_id)}
        return won(lambda: self._table.transact([("Delete", instance), ("Delete", link)]))

    def _lowest_above(self, level: Level, ancestry: Ancestry) -> tuple[Level, str] | None:
        held = self._stamps(ancestry)
        above = [one for one in level.above if one in held]
        return (above[-1], ancestry.at(above[-1])) if above else None


def _erasing(item: Item) -> list[_Action]:
    """Return the deletion of an instance, as it was read, and of its link."""
    condition = stamped(stamp_of(item)).arguments
    ancestry = ancestry_of(item, Level.INSTANCE)
    return [
        ("Delete", {"Key": resource_key(Level.INSTANCE, ancestry.instance), **condition}),
        ("Delete", {"Key": _link(Level.SERIES, Level.INSTANCE, ancestry)}),
    ]


def _link(parent: Level, child: Level, ancestry: Ancestry) -> Item:
    return child_key(parent, ancestry.at(parent), ancestry.at(child))


def _any(_: Item) -> bool:
    return True


def _at(pinned: Mapping[str, ObjectRef], *, exactly: bool) -> _Wanted:
    """Return the condition that an instance is at its pinned version: a key always has the same bytes."""

    def wanted(item: Item) -> bool:
        held, pin = object_of(item), pinned[id_of(item)]
        return held.key == pin.key and (not exactly or held.version == pin.version)

    return wanted
