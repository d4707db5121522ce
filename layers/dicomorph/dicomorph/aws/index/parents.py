"""The series, studies and patients above the instances of one call."""

from __future__ import annotations

from collections.abc import Sequence

from dicomorph.aws.dynamodb.expressions import ABSENT, EXISTS, Update
from dicomorph.aws.dynamodb.keys import Item, child_key, resource_key
from dicomorph.aws.dynamodb.table import Table, won
from dicomorph.aws.index.items import (
    METADATA,
    encode_text,
    facts_of,
    labels_of,
    new_stamp,
    parent_item,
)
from dicomorph.model.metadata_names import LAST_UPDATE, ORIGINS
from dicomorph.model.resources import PARENT_LEVELS, InstanceEntry, Level

_Parent = tuple[Level, str]


class Parents:
    """What is above some entries; each is written once.

    Parameters
    ----------
    table : Table
        Where the items lie.
    entries : Sequence[InstanceEntry]
        Linked already, or stored.
    now : str
        The LastUpdate of the parents.
    """

    def __init__(self, table: Table, entries: Sequence[InstanceEntry], now: str) -> None:
        self._table = table
        self._now = now
        self._news: dict[_Parent, Item] = {}
        for entry in entries:
            for level in PARENT_LEVELS:
                self._news.setdefault((level, entry.ancestry.at(level)), {}).update(_news(entry, level))
        self._held: set[_Parent] = set()

    def touch(self) -> None:
        """Give all parents that exist a new stamp, and what every store writes to them."""
        parents = list(self._news)
        touched = self._table.each(self._touch_one, parents)
        self._held = {parent for parent, done in zip(parents, touched, strict=True) if done}

    def has_series(self, entry: InstanceEntry) -> bool:
        """Tell whether the series was there when it was touched, or has been created here."""
        return (Level.SERIES, entry.ancestry.series) in self._held

    def create(self, entry: InstanceEntry, entering: tuple[str, Item]) -> bool:
        """Create the series with its first instance, and what is missing above it, all or none.

        Parameters
        ----------
        entering : tuple[str, Item]
            The action that makes the instance visible.

        Returns
        -------
        bool
            False if somebody else was faster with any of them.
        """
        actions = [entering]
        missing = [level for level in PARENT_LEVELS if (level, entry.ancestry.at(level)) not in self._held]
        for level in missing:
            item = parent_item(entry, level, self._now) | self._news[level, entry.ancestry.at(level)]
            actions.append(("Put", {"Item": item, **ABSENT.arguments}))
            if level.parent is not None:
                link = child_key(level.parent, entry.ancestry.at(level.parent), entry.ancestry.at(level))
                actions.append(("Put", {"Item": link}))
        lowest = missing[0].parent
        if lowest is not None:  # its delete must notice the new child
            stamp = Update(EXISTS, {"Stamp": {"S": new_stamp()}})
            actions.append(
                ("Update", {"Key": resource_key(lowest, entry.ancestry.at(lowest)), **stamp.arguments})
            )
        if won(lambda: self._table.transact(actions)):
            self._held.update((level, entry.ancestry.at(level)) for level in missing)
            return True
        return False

    def _touch_one(self, parent: _Parent) -> bool:
        values = self._news[parent] | {
            "Stamp": {"S": new_stamp()},
            METADATA + LAST_UPDATE: {"S": self._now},
        }
        return won(lambda: self._table.update(resource_key(*parent), Update(EXISTS, values)))


def _news(entry: InstanceEntry, level: Level) -> Item:
    """Return what an entry changes of a parent that exists (spec 1.4, 3.10)."""
    metadata = facts_of(entry, level).metadata
    origins = {METADATA + name: encode_text(metadata[name]) for name in ORIGINS if name in metadata}
    return origins | labels_of(entry, level)
