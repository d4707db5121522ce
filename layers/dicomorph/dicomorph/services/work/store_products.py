"""Bringing the products of a batch into the index: what was not written there is no product."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from dicomorph.jobs.model import Job
from dicomorph.model.errors import (
    BadRequestError,
    CannotStoreInstanceError,
    CorruptedFileError,
    DicomorphError,
    InternalError,
    RefusedError,
    StaleEpochError,
    StorageFullError,
    TransientError,
    UnknownResourceError,
)
from dicomorph.model.object_keys import is_product_key
from dicomorph.model.resources import InstanceEntry, Level, ObjectRef
from dicomorph.ports.index import StoreOutcome, StoreStatus
from dicomorph.services.backend import Backend
from dicomorph.services.late_writes import has_lost
from dicomorph.services.work.durability import must_last

_READ_AT_ONCE = 1 << 20
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an instance has no product: Orthanc's code, and what was wrong, free of values.

    ``refused`` is the reason where nothing was wrong, but the instance cannot be made safe.
    """

    code: int
    details: str
    refused: str = ""


Made: TypeAlias = dict[int, InstanceEntry | Failure]
"""What became of instances, by their position in the batch."""

_OUTDATED = Failure(
    CannotStoreInstanceError.code, "The instance was replaced or deleted while it was edited in place"
)
_TAKEN = Failure(
    CannotStoreInstanceError.code,
    "Another instance is stored under the identifiers of the product, and OverwriteInstances keeps it",
)


def failure_of(error: Exception) -> Failure:
    """Turn an error of one instance into its outcome; what concerns the whole batch goes on up."""
    if isinstance(error, (TransientError, StaleEpochError)):
        raise error
    if isinstance(error, RefusedError):
        return Failure(error.code, error.details, error.reason)
    if isinstance(error, DicomorphError):
        return Failure(error.code, error.details)
    # The message of a foreign exception may quote a value.
    _logger.error("An instance failed with %s", type(error).__name__)
    return Failure(InternalError.code, type(error).__name__)


def store_products(
    backend: Backend, job: Job, made: Made, *, since: datetime
) -> tuple[Made, tuple[ObjectRef, ...]]:
    """Write all products to the index at once; each parent is written once then.

    Parameters
    ----------
    since : datetime
        When the first of them was begun.

    Returns
    -------
    Made
        The same, with a failure for each product that the index does not hold.
    tuple[ObjectRef, ...]
        What nothing refers to any more: versions that were replaced, and files that were not taken.
    """
    entries = {index: entry for index, entry in made.items() if isinstance(entry, InstanceEntry)}
    try:
        if must_last(backend, job):
            backend.objects.sync([entry.object for entry in entries.values()])
        _check_late(backend, entries, since)
        stored = _add(backend, entries)
        _check_files(backend, job, entries)
        results = {index: _result(backend, job, entries[index], stored[index]) for index in entries}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded for each instance
        failure = failure_of(error)
        # Their files are there. Should one have got its entry all the same, the end of the job sees it.
        left = tuple(entry.object for entry in entries.values())
        return made | dict.fromkeys(entries, failure), left
    superseded = (
        _superseded(job, entries[index], stored[index], result) for index, result in results.items()
    )
    return {**made, **results}, tuple(ref for ref in superseded if ref is not None)


def _check_late(backend: Backend, entries: Mapping[int, InstanceEntry], since: datetime) -> None:
    """Check that what was stored more than an hour ago is still there.

    Raises
    ------
    TransientError
        If it is not: it is to be made once more.
    """
    if has_lost(backend, [entry.object for entry in entries.values()], since=since):
        raise TransientError("A product was deleted before it was in the index")


def _add(backend: Backend, entries: Mapping[int, InstanceEntry]) -> dict[int, StoreOutcome | Failure]:
    """Add entries together; if one of them is refused, find it: the others are added without it."""
    if not entries:
        return {}
    overwrite = backend.settings.overwrite_instances
    try:
        outcomes = backend.index.ingest.add(list(entries.values()), overwrite=overwrite)
        return dict(zip(entries, outcomes, strict=True))
    except (BadRequestError, StorageFullError) as error:  # main tags too long for DynamoDB, or the quota
        if len(entries) == 1:
            return dict.fromkeys(entries, failure_of(error))
    ordered = list(entries.items())
    half = len(ordered) // 2
    return _add(backend, dict(ordered[:half])) | _add(backend, dict(ordered[half:]))


def _check_files(backend: Backend, job: Job, entries: Mapping[int, InstanceEntry]) -> None:
    """Check that what may have been stored before was not being deleted at this very moment.

    Raises
    ------
    TransientError
        If it was: it is to be made once more.
    """
    if job.execution > 1 and not backend.objects.are_stored([entry.object for entry in entries.values()]):
        raise TransientError("A product was deleted while it was stored again")


def _result(
    backend: Backend, job: Job, entry: InstanceEntry, outcome: StoreOutcome | Failure
) -> InstanceEntry | Failure:
    """Return the product as the index holds it, or why it does not.

    With ``OverwriteInstances`` being ``IfChanged``, what is stored already is equal, to the byte.
    With ``Never`` it may be anything: Orthanc takes it for a success, and nothing was written.
    """
    if isinstance(outcome, Failure):
        return outcome
    if outcome.status is StoreStatus.FAILURE:
        return _OUTDATED
    if outcome.status is StoreStatus.SUCCESS or backend.settings.overwrite_instances.compares:
        return entry
    held = _made_before(backend, job, entry)
    return _TAKEN if held is None else replace(entry, object=held)


def _made_before(backend: Backend, job: Job, entry: InstanceEntry) -> ObjectRef | None:
    """Return what the job itself has stored as this product, under an earlier plan; None if it has not."""
    found = backend.index.catalogue.get(Level.INSTANCE, entry.ancestry.instance)
    held = None if found is None else found.object
    if held is None or not is_product_key(held.key, job.id) or held.size != entry.object.size:
        return None
    return held if _are_equal(backend, held, entry.object) else None


def _are_equal(backend: Backend, one: ObjectRef, other: ObjectRef) -> bool:
    try:
        first = backend.objects.open(one)
    except (UnknownResourceError, CorruptedFileError):  # deleted in this moment, or damaged
        return False
    second = backend.objects.open(other)
    try:
        return all(
            first.read(at, at + _READ_AT_ONCE) == second.read(at, at + _READ_AT_ONCE)
            for at in range(0, one.size, _READ_AT_ONCE)
        )
    finally:
        first.close()
        second.close()


def _superseded(
    job: Job, entry: InstanceEntry, outcome: StoreOutcome | Failure, result: InstanceEntry | Failure
) -> ObjectRef | None:
    if isinstance(outcome, Failure) or isinstance(result, Failure) or result.object != entry.object:
        return entry.object
    # Of what is this job's own, finalization knows, and a duplicate of this call may still add it.
    if outcome.superseded is None or is_product_key(outcome.superseded.key, job.id):
        return None
    return outcome.superseded
