"""Adding instances, within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dicomorph.embedded.index.outbox import name_in_outbox, take_out_of_outbox
from dicomorph.embedded.index.rows import (
    NUMBERS,
    add_labels,
    decode_metadata,
    encode_metadata,
    encode_new_metadata,
    encode_tags,
    set_system_metadata,
)
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.errors import StorageFullError
from dicomorph.model.metadata_names import ORIGINS, metadata_time
from dicomorph.model.object_keys import is_any_product_key
from dicomorph.model.resources import (
    PARENT_LEVELS,
    InstanceEntry,
    Level,
    LevelFacts,
    MetadataValue,
    ObjectRef,
)
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import StoreOutcome, StoreStatus, is_outdated

_NO_FACTS = LevelFacts({})


@dataclass(slots=True)
class _Parent:
    """A parent that instances of this call are stored under."""

    pk: int
    metadata: dict[str, MetadataValue] = field(default_factory=dict)
    metadata_changed: bool = False


class SqliteIngest:
    """The port `Ingest` over a `Database`: every call is one transaction.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    quota : int
        Bytes that all instances may take; 0 for no limit.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], *, quota: int = 0) -> None:
        self._database = database
        self._now = now
        self._quota = quota

    def add(self, entries: Sequence[InstanceEntry], *, overwrite: OverwriteInstances) -> list[StoreOutcome]:
        """Add instances, creating their parents, in one transaction.

        Raises
        ------
        StorageFullError
            If all instances would take more than the quota; whoever writes asks before
            (`objects.room`), but others may have written since.
        """
        may_replace = overwrite.replaces
        with self._database.write(durable=may_replace) as connection:
            addition = _Addition(connection, overwrite, metadata_time(self._now()))
            before = _used(connection) if self._quota else 0
            outcomes = [addition.add(entry) for entry in entries]
            addition.finish()
            if self._quota and _used(connection) > max(before, self._quota):
                raise StorageFullError("The server may not store more than MaximumStorageSize")
            _settle_outbox(connection, entries, outcomes)
        return outcomes

    def sync(self) -> None:
        """Make all that was written so far survive a power cut, by any process."""
        self._database.sync()


def _used(connection: sqlite3.Connection) -> int:
    """Return how many bytes all instances take."""
    row = connection.execute("SELECT bytes FROM total WHERE level = 3").fetchone()
    return int(row[0])


def _settle_outbox(
    connection: sqlite3.Connection, entries: Sequence[InstanceEntry], outcomes: Sequence[StoreOutcome]
) -> None:
    """Name what uploads have replaced, or what was not taken of them; spare products that are back.

    What a job replaces stays until it ends: its tasks may be repeated, and read it again. The key
    of an upload is never used twice, that of a product is when the job is taken up again.
    """
    left, back = [], []
    for entry, outcome in zip(entries, outcomes, strict=True):
        if not is_any_product_key(entry.object.key):
            if outcome.superseded is not None:
                left.append(outcome.superseded.key)
        elif outcome.superseded != entry.object:
            back.append(entry.object.key)
    if left:
        name_in_outbox(connection, left)
    if back:
        take_out_of_outbox(connection, back)


class _Addition:
    """One call: each parent is read once and written once.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a write transaction.
    overwrite : OverwriteInstances
        What becomes of an instance that is stored already.
    now : str
        The LastUpdate of the parents.
    """

    def __init__(self, connection: sqlite3.Connection, overwrite: OverwriteInstances, now: str) -> None:
        self._connection = connection
        self._overwrite = overwrite
        self._now = now
        self._parents: dict[tuple[Level, str], _Parent] = {}

    def add(self, entry: InstanceEntry) -> StoreOutcome:
        """Add one instance; `finish` must follow the last one."""
        held = self._connection.execute(
            "SELECT pk, md5, object_key, object_version, size, crc32 FROM resource"
            " WHERE level = 3 AND id = ?",
            (entry.ancestry.instance,),
        ).fetchone()
        superseded = None if held is None else ObjectRef(*held[2:])
        if superseded is not None and superseded.key == entry.object.key:
            return StoreOutcome(StoreStatus.SUCCESS)
        if is_outdated(entry, superseded):
            return StoreOutcome(StoreStatus.FAILURE, entry.object)
        if held is not None:
            if self._overwrite.keeps(held[1], entry.md5):
                return StoreOutcome(StoreStatus.ALREADY_STORED, entry.object)
            self._connection.execute("DELETE FROM resource WHERE pk = ?", (held[0],))
        series = self._parents_of(entry)
        pk = self._insert(entry, Level.INSTANCE, series)
        self._label(pk, entry, Level.INSTANCE)
        return StoreOutcome(StoreStatus.SUCCESS, superseded)

    def finish(self) -> None:
        """Write the parents."""
        self._connection.executemany(
            "UPDATE resource SET last_update = ? WHERE pk = ?",
            [(self._now, parent.pk) for parent in self._parents.values()],
        )
        self._connection.executemany(
            "UPDATE resource SET metadata = ? WHERE pk = ?",
            [
                (encode_metadata(parent.metadata), parent.pk)
                for parent in self._parents.values()
                if parent.metadata_changed
            ],
        )

    def _parents_of(self, entry: InstanceEntry) -> int:
        """Find or create the parents, and return the key of the series."""
        pk: int | None = None
        for level in PARENT_LEVELS:
            parent = self._parent(entry, level, pk)
            pk = parent.pk
            if set_system_metadata(parent.metadata, entry.facts.get(level, _NO_FACTS).metadata, ORIGINS):
                parent.metadata_changed = True
            self._label(pk, entry, level)
        assert pk is not None  # noqa: S101 - there are three levels above
        return pk

    def _parent(self, entry: InstanceEntry, level: Level, above: int | None) -> _Parent:
        name = level, entry.ancestry.at(level)
        parent = self._parents.get(name)
        if parent is None:
            row = self._connection.execute(
                "SELECT pk, metadata FROM resource WHERE level = ? AND id = ?", (NUMBERS[level], name[1])
            ).fetchone()
            if row is None:
                metadata = entry.facts.get(level, _NO_FACTS).metadata
                values = {key: MetadataValue(value, 0) for key, value in metadata.items()}
                parent = _Parent(self._insert(entry, level, above), values)
            else:
                parent = _Parent(row[0], decode_metadata(row[1]))
            self._parents[name] = parent
        return parent

    def _insert(self, entry: InstanceEntry, level: Level, parent: int | None) -> int:
        facts = entry.facts.get(level, _NO_FACTS)
        stored: tuple[str | int | None, ...] = (None, None, None, None, None)
        if level is Level.INSTANCE:
            ref = entry.object
            stored = (ref.key, ref.version, ref.size, entry.md5, ref.crc32)
        cursor = self._connection.execute(
            "INSERT INTO resource (level, id, parent, main_tags, metadata, patient_main_tags,"
            " object_key, object_version, size, md5, crc32) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                NUMBERS[level],
                entry.ancestry.at(level),
                parent,
                encode_tags(facts.main_tags),
                encode_new_metadata(facts.metadata),
                _patient_main_tags(entry.facts) if level is Level.STUDY else None,
                *stored,
            ),
        )
        assert cursor.lastrowid is not None  # noqa: S101 - a row was inserted
        return cursor.lastrowid

    def _label(self, pk: int, entry: InstanceEntry, level: Level) -> None:
        if labels := entry.labels.get(level):
            add_labels(self._connection, pk, labels)


def _patient_main_tags(facts: Mapping[Level, LevelFacts]) -> str:
    return encode_tags(facts.get(Level.PATIENT, _NO_FACTS).main_tags)
