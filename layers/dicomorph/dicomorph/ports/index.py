"""The ports of the index, by role: resources, their hierarchy, metadata and labels.

The hierarchy stays true under any interleaving of calls and a crash after any step: a
resource exists only as long as it has a child, and every parent that is named exists.
Nothing that decides (is it stored already, has a parent children left, what does a job work
on) reads anything that lags behind the last write. All methods raise `TransientError` when
the store is throttled or away.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dicomorph.model.errors import ParameterOutOfRangeError
from dicomorph.model.metadata_names import SYSTEM_METADATA
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


class StoreStatus(enum.Enum):
    """What became of an upload; the value is Orthanc's ``Status``."""

    SUCCESS = "Success"
    ALREADY_STORED = "AlreadyStored"
    FAILURE = "Failure"


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """What `Ingest.add` did with one entry.

    ``superseded`` is the object that nothing refers to any more: the replaced version after
    an overwrite, the version just written after AlreadyStored or a failure. It is None where
    the index already holds this very object (a repeated call), which is a success.
    """

    status: StoreStatus
    superseded: ObjectRef | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What `Eraser.remove` took away.

    ``remaining`` is the lowest ancestor that still exists, None if everything vanished.
    """

    remaining: tuple[Level, str] | None
    objects: Sequence[ObjectRef]


def is_outdated(entry: InstanceEntry, held: ObjectRef | None) -> bool:
    """Tell whether an entry was made of another version than its instance has; None if it has none."""
    return entry.replaces is not None and (held is None or held.key != entry.replaces.key)


def refuse_system_metadata(name: str) -> None:
    """Raise `ParameterOutOfRangeError` if a metadata is one that the server itself keeps."""
    if name in SYSTEM_METADATA:
        raise ParameterOutOfRangeError("The server itself keeps this metadata")


class Catalogue(Protocol):
    """What is stored."""

    def get(self, level: Level, resource_id: str) -> Resource | None:
        """Return one resource, None if it does not exist at this level."""

    def get_many(self, level: Level, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources of a level that exist, in any order."""

    def find_many(self, resource_ids: Sequence[str]) -> Iterator[Resource]:
        """Yield the resources with these identifiers that exist, whatever their levels, in any order."""

    def ids(self, level: Level, *, since: int = 0, limit: int = 0) -> list[str]:
        """Return identifiers in ascending order; a `limit` of 0 is none. May lag (AWS)."""

    def children(self, level: Level, resource_id: str) -> list[str]:
        """Return the identifiers one level below, ascending; empty for an unknown resource."""

    def pins(self, level: Level, resource_id: str) -> Iterator[Pin]:
        """Yield the instances below a resource (or the instance itself) with their versions."""

    def pins_of(self, instance_ids: Sequence[str]) -> Iterator[Pin]:
        """Yield those of some instances that are stored, with their versions, in any order."""

    def statistics(self) -> Statistics:
        """Count everything. May lag (AWS)."""


class Ingest(Protocol):
    """Adding instances."""

    def add(self, entries: Sequence[InstanceEntry], *, overwrite: OverwriteInstances) -> list[StoreOutcome]:
        """Add instances, creating their parents; each parent is written once a call.

        An entry whose object the index already holds answers Success and changes nothing;
        objects are told apart by their keys, for a key always has the same bytes. An entry that
        `replaces` an object which the instance does not have (any more) answers Failure.
        An instance that exists with another object is replaced or not as `overwrite` says;
        a replacement drops its labels and metadata, as Orthanc does (spec 2.2).

        Raises
        ------
        BadRequestError
            If an entry is larger than the index can hold; which one, it does not say.
        """

    def sync(self) -> None:
        """Make all that was written so far survive a power cut.

        What deletes (the `Eraser`, an `add` that may replace) does so by itself: no entry may
        come back whose object is gone.
        """


class Eraser(Protocol):
    """Deleting. What loses its entry is named in the `Outbox`, in the same transaction."""

    def remove(self, level: Level, resource_id: str) -> Removal:
        """Delete a resource with everything below it, and the ancestors left without children.

        Raises
        ------
        UnknownResourceError
            If it does not exist at this level.
        """

    def remove_instances(self, pins: Sequence[Pin], *, exactly: bool = False) -> Sequence[ObjectRef]:
        """Delete instances that still are at the pinned version; others are left alone.

        Repeating the call is harmless. Returns the objects that nothing refers to any more.

        Parameters
        ----------
        exactly : bool
            Whether an object that was written again counts as another one, though a key always
            has the same bytes: a product that a job has made anew since it was pinned stays.
        """


class Outbox(Protocol):
    """The objects that are to be erased: they have lost their entries, but not yet their bytes.

    Whoever takes an entry away names its object here in the same transaction, and so does an
    `Ingest.add` of an upload for the object that it replaces, or does not take; what a job
    replaces, its end names. An `add` takes out what it gives an entry. So a crash at any moment
    leaves either the entry, or the order to erase.

    On AWS there is none: nothing waits there.

    Parameters
    ----------
    remembers : bool
        Whether what loses its entry is named here. Where it is not, a DELETE writes down what it
        is about to erase before the first entry goes (`services.erasure.records`).
    """

    remembers: bool

    def name(self, refs: Sequence[ObjectRef]) -> None:
        """Name objects; those that an entry refers to are left out."""

    def waiting(self, *, after: str = "", limit: int) -> list[ObjectRef]:
        """Return some of what is named here, by key, from behind a key on."""

    def drop(self, refs: Sequence[ObjectRef]) -> None:
        """Forget what was erased, and is so on the disk."""

    def unclaimed(self, refs: Sequence[ObjectRef]) -> list[ObjectRef]:
        """Return those to which an `add` that failed gave no entry, and will give none.

        None of them, where an answer may have been lost (AWS).
        """


class Annotations(Protocol):
    """What is said of resources that exist.

    The revision of a metadata counts how often `set_metadata` has changed it, so that of two
    clients who read the same one, the second to write is told (spec, gotcha G60). Whatever comes
    with an entry or a refresh is at revision 0: clients cannot change what the server itself
    keeps, so nobody's change can be lost, and its ETag is another as soon as its value is.
    """

    def refresh(self, level: Level, resource_id: str, facts: LevelFacts) -> None:
        """Replace main tags, those of the patient that a study repeats, and MainDicomSequences.

        An unknown resource is left alone.
        """

    def set_metadata(
        self, level: Level, resource_id: str, name: str, value: str, *, expected: int | None
    ) -> MetadataValue:
        """Write one metadata of clients on condition of its revision (None: it must not exist yet).

        Raises
        ------
        ParameterOutOfRangeError
            If it is one of the server's own.
        UnknownResourceError
            If the resource does not exist.
        ConflictError
            If the metadata has another revision.
        """

    def remove_metadata(self, level: Level, resource_id: str, name: str, *, expected: int) -> None:
        """Delete one metadata of clients on condition of its revision; errors as in `set_metadata`."""

    def set_labels(
        self, level: Level, resource_id: str, *, add: frozenset[str], remove: frozenset[str]
    ) -> None:
        """Add and remove labels.

        Raises
        ------
        UnknownResourceError
            If the resource does not exist.
        """


class ServerProperties(Protocol):
    """Counters and texts of the server as a whole."""

    def next_number(self, counter: str) -> int:
        """Increase a counter that survives everything and return it; the first is 1."""

    def read_property(self, name: str) -> str | None:
        """Return a server-wide property, None if it was never written."""

    def write_property(self, name: str, value: str) -> None:
        """Set a server-wide property to a text that UTF-8 can encode."""

    def read_secret(self, name: str) -> str | None:
        """Return a secret, None if there is none of this name. On AWS, few functions may."""

    def establish_secret(self, name: str, value: str) -> str:
        """Keep a secret unless there is one of this name; return the one that counts.

        Of many who do so at once, all get the same. It never changes.
        """


@dataclass(frozen=True, slots=True)
class Index:
    """The index of a deployment: an adapter for each role, over one store."""

    catalogue: Catalogue
    ingest: Ingest
    eraser: Eraser
    outbox: Outbox
    annotations: Annotations
    properties: ServerProperties
