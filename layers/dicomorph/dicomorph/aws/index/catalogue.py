"""Reading the index. All but listings and statistics see the last write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dicomorph.aws.dynamodb.keys import LISTING_INDEX, Item, child_partitions, listings, resource_key
from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.index.items import (
    METADATA,
    ancestry_of,
    id_of,
    index_of,
    is_pending,
    pin_of,
    resource_of,
)
from dicomorph.model.metadata_names import INDEX_IN_SERIES
from dicomorph.model.resources import LEVELS, PARENT_LEVELS, Ancestry, Level, Pin, Resource, Statistics
from dicomorph.ports.index import Child

_STATE = "PK, SK, Id, Pending"
# Whole entries, of which a planner may want a million, take twice as long to decode.
_OF_PINS = f"{_STATE}, Patient, Study, Series, ObjectKey, ObjectVersion, ObjectSize, CRC32, Fragments"
_INDEX_NAME = {"#index": f"{METADATA}{INDEX_IN_SERIES}"}
_OF_CHILDREN = f"{_STATE}, #index"
_AT_ONCE = 1600  # items; sixteen requests of a hundred
_PARENTS_AT_ONCE = 100  # resources; those of series take sixteen requests each


class DynamoCatalogue:
    """The port `Catalogue`, and what deleting asks of the items themselves.

    Parameters
    ----------
    table : Table
        Where the items lie.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def item(self, level: Level, resource_id: str) -> Item | None:
        """Return the item of a resource, None if there is none or it is pending."""
        item = self._table.get(resource_key(level, resource_id))
        return None if item is None or is_pending(item) else item

    def get(self, level: Level, resource_id: str) -> Resource | None:
        """See `Catalogue.get`."""
        item = self.item(level, resource_id)
        return None if item is None else resource_of(item, level)

    def get_many(self, level: Level, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """See `Catalogue.get_many`."""
        wanted = list(dict.fromkeys(resource_ids))
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            items = self._table.get_many(resource_key(level, resource_id) for resource_id in some)
            yield from (resource_of(item, level) for item in items if not is_pending(item))

    def find_many(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """See `Catalogue.find_many`."""
        wanted = list(dict.fromkeys(resource_ids))
        step = _AT_ONCE // len(LEVELS)
        for start in range(0, len(wanted), step):
            yield from self._found(wanted[start : start + step])

    def _found(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        items = self._table.get_many(resource_key(level, one) for one in resource_ids for level in LEVELS)
        held = {item["PK"]["S"]: item for item in items if not is_pending(item)}
        for one in resource_ids:
            for level in LEVELS:
                if item := held.get(resource_key(level, one)["PK"]["S"]):
                    yield resource_of(item, level)
                    break

    def children(self, level: Level, resource_id: str) -> list[str]:
        """See `Catalogue.children`."""
        return [child.id for child in self.children_of(level, [resource_id])]

    def children_of(
        self, level: Level, resource_ids: Sequence[str], *, unchecked: bool = False
    ) -> Iterator[Child]:
        """See `Catalogue.children_of`."""
        if level is Level.INSTANCE:
            return
        for start in range(0, len(resource_ids), _PARENTS_AT_ONCE):
            found = self._linked(level, resource_ids[start : start + _PARENTS_AT_ONCE])
            # A link of another level and its resource come and go together.
            yield from found if unchecked or level is not Level.SERIES else self._stored_of(found)

    def _linked(self, level: Level, resource_ids: Sequence[str]) -> list[Child]:
        """Return the linked children of some resources; instances may be pending, or not there at all."""
        named = [(parent, name) for parent in resource_ids for name in child_partitions(level, parent)]
        found = self._table.each(lambda pair: [*self._table.query(pair[1])], named)
        return [
            Child(parent, item["SK"]["S"])
            for (parent, _), items in zip(named, found, strict=True)
            for item in items
        ]

    def _stored_of(self, children: Sequence[Child]) -> Iterator[Child]:
        """Yield those of some instances that are stored, with their indexes."""
        for start in range(0, len(children), _AT_ONCE):
            some = children[start : start + _AT_ONCE]
            keys = (resource_key(Level.INSTANCE, child.id) for child in some)
            items = self._table.get_many(keys, attributes=_OF_CHILDREN, names=_INDEX_NAME)
            indexes = {id_of(item): index_of(item) for item in items if not is_pending(item)}
            yield from (
                child._replace(index_in_series=indexes[child.id]) for child in some if child.id in indexes
            )

    def links(self, level: Level, resource_id: str, *, first: int = 0) -> list[str]:
        """Return the linked children, ascending; instances may be pending, or not there at all.

        Parameters
        ----------
        first : int
            At most so many of each partition; 0 for all.
        """
        partitions = child_partitions(level, resource_id)
        found = self._table.each(lambda name: list(self._table.query(name, first=first)), partitions)
        return [item["SK"]["S"] for items in found for item in items]

    def live(self, instance_ids: Sequence[str]) -> set[str]:
        """Return those instances that are stored."""
        keys = (resource_key(Level.INSTANCE, instance_id) for instance_id in instance_ids)
        items = self._table.get_many(keys, attributes=_STATE)
        return {id_of(item) for item in items if not is_pending(item)}

    def instances(self, level: Level, resource_id: str, *, attributes: str = "") -> Iterator[Item]:
        """Yield the items of the instances below a resource, or of the instance itself.

        Parameters
        ----------
        attributes : str
            As in `Table.get_many`.
        """
        if level is Level.INSTANCE:
            item = self.item(level, resource_id)
            yield from [item] if item else []
            return
        for ancestry in self.lineages(level, resource_id):
            yield from self.stored(self.links(Level.SERIES, ancestry.series), attributes=attributes)

    def stored(self, instance_ids: Sequence[str], *, attributes: str = "") -> Iterator[Item]:
        """Yield the items of those instances that are stored; not many of them are in memory at once."""
        for start in range(0, len(instance_ids), _AT_ONCE):
            some = instance_ids[start : start + _AT_ONCE]
            keys = (resource_key(Level.INSTANCE, one) for one in some)
            items = self._table.get_many(keys, attributes=attributes)
            yield from (item for item in items if not is_pending(item))

    def lineages(self, level: Level, resource_id: str) -> list[Ancestry]:
        """Return each series below a resource (or itself) with what is above; none if unknown."""
        item = self.item(level, resource_id)
        above = [] if item is None else [ancestry_of(item, level)]
        if level is Level.PATIENT:
            above = [
                Ancestry(resource_id, study, "", "")
                for one in above
                for study in self.links(Level.PATIENT, one.patient)
            ]
        if level in (Level.PATIENT, Level.STUDY):
            return [
                Ancestry(one.patient, one.study, series, "")
                for one in above
                for series in self.links(Level.STUDY, one.study)
            ]
        return above

    def pins(self, level: Level, resource_id: str) -> Iterator[Pin]:
        """See `Catalogue.pins`."""
        return map(pin_of, self.instances(level, resource_id, attributes=_OF_PINS))

    def pins_of(self, instance_ids: Sequence[str]) -> Iterator[Pin]:
        """See `Catalogue.pins_of`."""
        return map(pin_of, self.stored(instance_ids, attributes=_OF_PINS))

    def ids(self, level: Level, *, since: int = 0, limit: int = 0) -> list[str]:
        """See `Catalogue.ids`. May lag."""
        if not limit:
            found = self._table.each(lambda name: list(self._listed(name)), listings(level))
            return [resource_id for ids in found for resource_id in ids][since:]
        ids: list[str] = []
        for partition in listings(level):
            ids.extend(self._listed(partition, first=since + limit - len(ids)))
            if len(ids) == since + limit:
                break
        return ids[since:]

    def statistics(self) -> Statistics:
        """See `Catalogue.statistics`. May lag."""
        above = [sum(self._table.each(self._count, listings(level))) for level in PARENT_LEVELS]
        sizes = self._table.each(self._sizes, listings(Level.INSTANCE))
        patients, studies, series = above
        instances, disk_size = map(sum, zip(*sizes, strict=True))
        return Statistics(patients, studies, series, instances, disk_size)

    def _listed(self, partition: str, *, first: int = 0) -> Iterator[str]:
        return map(id_of, self._table.query(partition, first=first, index=LISTING_INDEX))

    def _count(self, partition: str) -> int:
        return self._table.count(partition, index=LISTING_INDEX)

    def _sizes(self, partition: str) -> tuple[int, int]:
        """Return how many instances a partition lists, and their bytes."""
        count = size = 0
        for item in self._table.query(partition, index=LISTING_INDEX):
            count, size = count + 1, size + int(item["ObjectSize"]["N"])
        return count, size
