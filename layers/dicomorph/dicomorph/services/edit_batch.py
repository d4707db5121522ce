"""The worker of a job: edit a batch of instances and leave one outcome document."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from dicomorph.jobs.documents import (
    batch_key,
    decode_batch,
    encode_outcome,
    is_product_key,
    outcome_key,
    part_key,
)
from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome, Job
from dicomorph.model.errors import DicomorphError, InternalError, StaleEpochError, TransientError
from dicomorph.model.resources import InstanceEntry, ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.durability import must_last
from dicomorph.services.job_records import get_job, job_request
from dicomorph.services.product import Position, ProductMaker

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    code: int
    details: str


def edit_batch(backend: Backend, job_id: str, number: int, *, part: int | None = None) -> None:
    """Edit the instances of a batch.

    Every step writes the same when it is repeated. What fails for one instance is recorded
    for that instance, whatever it is; a batch that has its outcome is not edited again.

    Parameters
    ----------
    part : int, optional
        Only this instance of the batch, whose worker died with all of them.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    """
    key = outcome_key(job_id, number) if part is None else part_key(job_id, number, part)
    if backend.objects.get(key) is not None:
        return
    job = get_job(backend, job_id)
    if job.state.is_final:
        return
    batch = _read_batch(backend, job_id, number)
    chosen = range(len(batch.pins)) if part is None else (part,)
    outcome = backend.objects.put(key, encode_outcome(_edit(backend, job, batch, chosen)))
    if must_last(backend, job):
        backend.objects.sync([outcome])


def _read_batch(backend: Backend, job_id: str, number: int) -> Batch:
    document = backend.objects.get(batch_key(job_id, number))
    if document is None:
        raise InternalError("The batch was never planned")
    return decode_batch(document)


def _edit(backend: Backend, job: Job, batch: Batch, chosen: Sequence[int]) -> BatchOutcome:
    pins = [batch.pins[index] for index in chosen]
    made: list[InstanceEntry | _Failure]
    try:
        maker = ProductMaker(backend, job, job_request(backend, job.id))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded for each instance
        made = [_failure(error)] * len(pins)
    else:
        positions = [Position(batch.number, index, batch.copies.get(index, 0)) for index in chosen]
        made = [_make(maker, pin, position) for pin, position in zip(pins, positions, strict=True)]
    made, superseded = (made, ()) if job.target else _store(backend, job, made)
    outcomes = tuple(_outcome(pin, result) for pin, result in zip(pins, made, strict=True))
    return BatchOutcome(batch.number, outcomes, superseded)


def _make(maker: ProductMaker, pin: Pin, position: Position) -> InstanceEntry | _Failure:
    try:
        return maker.make(pin, position)
    except Exception as error:  # noqa: BLE001 - a poisoned instance fails alone
        return _failure(error)


def _store(
    backend: Backend, job: Job, made: list[InstanceEntry | _Failure]
) -> tuple[list[InstanceEntry | _Failure], tuple[ObjectRef, ...]]:
    """Write all products to the index at once; each parent is written once then."""
    entries = [entry for entry in made if isinstance(entry, InstanceEntry)]
    try:
        if must_last(backend, job):
            backend.objects.sync([entry.object for entry in entries])
        stored = backend.index.add(entries, overwrite=backend.settings.overwrite_instances) if entries else []
    except Exception as error:  # noqa: BLE001 - as above
        failure = _failure(error)
        return [failure if isinstance(entry, InstanceEntry) else entry for entry in made], ()
    superseded = (outcome.superseded for outcome in stored if outcome.superseded)
    # Not this job's own: finalization knows them, and a duplicate of this call may still add them.
    return made, tuple(ref for ref in superseded if not is_product_key(ref.key, job.id))


def _outcome(pin: Pin, result: InstanceEntry | _Failure) -> InstanceOutcome:
    if isinstance(result, _Failure):
        return InstanceOutcome(pin, None, result.code, result.details)
    return InstanceOutcome(pin, Pin(result.ancestry, result.object))


def _failure(error: Exception) -> _Failure:
    """Turn an error of one instance into its outcome; what concerns the whole batch goes on up."""
    if isinstance(error, (TransientError, StaleEpochError)):
        raise error
    if isinstance(error, DicomorphError):
        return _Failure(error.code, error.details)
    # The message of a foreign exception may quote a value.
    _logger.error("An instance failed with %s", type(error).__name__)
    return _Failure(InternalError.code, type(error).__name__)
