"""The index in one DynamoDB table (keys: `dicomorph.aws.dynamodb.keys`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from dicomorph.aws.dynamodb.keys import counter_key, property_key
from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.index.annotations import Annotations
from dicomorph.aws.index.eraser import Eraser
from dicomorph.aws.index.ingest import Ingest
from dicomorph.aws.index.items import decode_text, encode_text
from dicomorph.aws.index.reader import Reader
from dicomorph.model.resources import (
    InstanceEntry,
    Level,
    LevelFacts,
    MetadataValue,
    ObjectRef,
    Pin,
    Resource,
    Statistics,
)
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Removal, StoreOutcome
from dicomorph.services.backend import utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoIndex:
    """The port `Index` over a DynamoDB table.

    Parameters
    ----------
    client : DynamoDBClient
        A low-level client that retries throttled calls; its connection pool should hold
        `concurrency` connections.
    table_name : str
        A table with the keys ``PK`` and ``SK`` and the index ``Listing``.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    concurrency : int
        How many requests one call may have under way at once.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        now: Callable[[], datetime] = utc_now,
        concurrency: int = 16,
    ) -> None:
        self._table = Table(client, table_name, concurrency=concurrency)
        self._reader = Reader(self._table)
        self._annotations = Annotations(self._table)
        self._now = now

    def add(self, entries: Sequence[InstanceEntry], *, overwrite: OverwriteInstances) -> list[StoreOutcome]:
        """Add instances, creating their parents; each parent is written once a call."""
        return Ingest(self._table, overwrite, self._last_update).add(entries)

    def get(self, level: Level, resource_id: str) -> Resource | None:
        """Return one resource, None if it does not exist at this level."""
        return self._reader.get(level, resource_id)

    def get_many(self, level: Level, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources of a level that exist, in any order."""
        return self._reader.get_many(level, resource_ids)

    def find_many(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources with these identifiers that exist, whatever their levels."""
        return self._reader.find_many(resource_ids)

    def ids(self, level: Level, *, since: int = 0, limit: int = 0) -> list[str]:
        """Return identifiers in ascending order; lags behind the last writes."""
        return self._reader.ids(level, since=since, limit=limit)

    def children(self, level: Level, resource_id: str) -> list[str]:
        """Return the identifiers one level below, ascending; empty for an unknown resource."""
        return self._reader.children(level, resource_id)

    def pins(self, level: Level, resource_id: str) -> Iterator[Pin]:
        """Yield the instances below a resource (or the instance itself), series by series."""
        return self._reader.pins(level, resource_id)

    def pins_of(self, instance_ids: Sequence[str]) -> Iterator[Pin]:
        """Yield those of some instances that are stored, with their versions, in any order."""
        return self._reader.pins_of(instance_ids)

    def remove(self, level: Level, resource_id: str) -> Removal:
        """Delete a resource with all it holds now, and the ancestors left without children.

        What is uploaded below it meanwhile stays, with the parents it needs. An interrupted
        delete of more than one instance has deleted some of them; repeat it.
        """
        return Eraser(self._table, self._last_update).remove(level, resource_id)

    def remove_instances(self, pins: Sequence[Pin]) -> Sequence[ObjectRef]:
        """Delete instances that still are at the pinned version; return the pinned objects."""
        return Eraser(self._table, self._last_update).remove_instances(pins)

    def refresh(self, level: Level, resource_id: str, facts: LevelFacts) -> None:
        """Replace the main tags, with their signature and sequences; an unknown resource is none."""
        self._annotations.refresh(level, resource_id, facts)

    def set_metadata(
        self, level: Level, resource_id: str, name: str, value: str, *, expected: int | None
    ) -> MetadataValue:
        """Write one metadata on condition of its revision (None: it must not exist yet)."""
        return self._annotations.set_metadata(level, resource_id, name, value, expected)

    def remove_metadata(self, level: Level, resource_id: str, name: str, *, expected: int) -> None:
        """Delete one metadata on condition of its revision."""
        self._annotations.remove_metadata(level, resource_id, name, expected)

    def set_labels(
        self, level: Level, resource_id: str, *, add: frozenset[str], remove: frozenset[str]
    ) -> None:
        """Add and remove labels, both at once."""
        self._annotations.set_labels(level, resource_id, add, remove)

    def statistics(self) -> Statistics:
        """Count everything; lags behind the last writes."""
        return self._reader.statistics()

    def sync(self) -> None:
        """Do nothing: DynamoDB answers a write when it is on disks in several places."""

    def next_number(self, counter: str) -> int:
        """Increase a counter and return it; a call that is repeated may skip a number."""
        return self._table.increase(counter_key(counter))

    def read_property(self, name: str) -> str | None:
        """Return a server-wide property, None if it was never written."""
        item = self._table.get(property_key(name))
        return None if item is None else decode_text(item["Text"])

    def write_property(self, name: str, value: str) -> None:
        """Set a server-wide property."""
        self._table.put(property_key(name) | {"Text": encode_text(value)})

    def _last_update(self) -> str:
        return self._now().strftime("%Y%m%dT%H%M%S")
