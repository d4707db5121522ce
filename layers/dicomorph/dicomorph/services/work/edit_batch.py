"""The worker of a job: edit a batch of instances and leave one outcome document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dicomorph.jobs.documents import (
    batch_key,
    encode_outcome,
    outcome_key,
    part_key,
    read_batch,
    read_outcome,
)
from dicomorph.jobs.lifecycle import is_cancelled
from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome, Job, JobState
from dicomorph.model.errors import InternalError
from dicomorph.model.resources import InstanceEntry, ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.records import job_request
from dicomorph.services.work.durability import must_last
from dicomorph.services.work.earlier_outcomes import earlier_outcomes
from dicomorph.services.work.job_watch import JobWatch
from dicomorph.services.work.product import PlannedProduct, ProductMaker
from dicomorph.services.work.store_products import Failure, Made, failure_of, store_products


def edit_batch(
    backend: Backend, job_id: str, number: int, *, part: int | None = None, is_again: bool = False
) -> None:
    """Edit the instances of a batch.

    Every step writes the same when it is repeated. What fails for one instance is recorded
    for that instance, whatever it is; a batch that has its outcome is not edited again.

    If the job is cancelled or paused meanwhile, the products that there are by then are
    recorded one by one, and the batch has no outcome.

    Parameters
    ----------
    part : int, optional
        Only this instance of the batch, whose worker died with all of them.
    is_again : bool
        Whether the batch was given to a worker before, and has no outcome: what is recorded of its
        instances counts then, that one of them was given up as well.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    """
    job = backend.jobs.get(job_id)
    if job is None or job.state is not JobState.RUNNING:
        return
    key = outcome_key(job, number) if part is None else part_key(job, number, part)
    if read_outcome(backend.objects.get(key), number, None if part is None else 1) is not None:
        return
    batch = _read_batch(backend, job, number)
    chosen = range(len(batch.pins)) if part is None else (part,)
    outcomes, superseded = _edit(backend, job, batch, chosen, is_again=is_again)
    if not outcomes:
        return
    if backend.jobs.get(job_id) is None:
        return  # deleted meanwhile: no document may be left of it
    if len(outcomes) < len(chosen):
        _record_parts(backend, job, BatchOutcome(number, (), superseded), outcomes)
        return
    ordered = tuple(outcomes[index] for index in chosen)
    outcome = backend.objects.put(key, encode_outcome(BatchOutcome(number, ordered, superseded)))
    if must_last(backend, job):
        backend.objects.sync([outcome])


def _read_batch(backend: Backend, job: Job, number: int) -> Batch:
    batch = read_batch(backend.objects.get(batch_key(job, number)), number)
    if batch is None:
        raise InternalError("The batch was never planned")
    return batch


def _edit(
    backend: Backend, job: Job, batch: Batch, chosen: Sequence[int], *, is_again: bool
) -> tuple[dict[int, InstanceOutcome], tuple[ObjectRef, ...]]:
    """Return what became of instances (of some, if the job was stopped), and what they replaced."""
    earlier = earlier_outcomes(backend, job, batch, is_again=is_again)
    outcomes = {index: earlier.instances[index] for index in chosen if index in earlier.instances}
    began = backend.now()
    made = _make_all(backend, job, batch, [index for index in chosen if index not in outcomes])
    if _is_over(backend, job):
        return {}, ()
    made, superseded = (made, ()) if job.target else store_products(backend, job, made, since=began)
    outcomes |= {index: _outcome(batch.pins[index], result) for index, result in made.items()}
    return outcomes, tuple(dict.fromkeys((*earlier.superseded, *superseded)))


def _is_over(backend: Backend, job: Job) -> bool:
    """Tell whether the job was summed up without this: nobody would hear of what is stored now.

    Another worker has done it, or this one was given up: the state that called it has timed out.
    """
    newest = backend.jobs.get(job.id)
    if newest is None:
        return False
    return newest.state is JobState.SUCCESS or (newest.state is JobState.FAILURE and not is_cancelled(newest))


def _make_all(backend: Backend, job: Job, batch: Batch, chosen: Sequence[int]) -> Made:
    """Make products until the job is stopped."""
    made: Made = {}
    watch = JobWatch(backend, job)
    try:
        maker = ProductMaker(backend, job, job_request(backend, job.id))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded for each instance
        return dict.fromkeys(chosen, failure_of(error))
    for index in chosen:
        if watch.is_stopped():
            break
        planned = PlannedProduct(batch.number, index, batch.copies.get(index, 0))
        made[index] = _make(maker, batch.pins[index], planned)
    return made


def _make(maker: ProductMaker, pin: Pin, planned: PlannedProduct) -> InstanceEntry | Failure:
    try:
        return maker.make(pin, planned)
    except Exception as error:  # noqa: BLE001 - a poisoned instance fails alone
        return failure_of(error)


def _record_parts(
    backend: Backend, job: Job, batch: BatchOutcome, outcomes: Mapping[int, InstanceOutcome]
) -> None:
    """Write down what there is of a batch that was interrupted; each document tells what was replaced."""
    for index, outcome in outcomes.items():
        if outcome.product is not None:
            part = replace(batch, instances=(outcome,))
            backend.objects.put(part_key(job, batch.number, index), encode_outcome(part))


def _outcome(pin: Pin, result: InstanceEntry | Failure) -> InstanceOutcome:
    if isinstance(result, Failure):
        return InstanceOutcome(pin, None, result.code, result.details, refused=result.refused)
    return InstanceOutcome(
        pin,
        Pin(result.ancestry, result.object),
        remarks=result.remarks,
        untranscoded=result.untranscoded,
        flags=result.flags,
    )
