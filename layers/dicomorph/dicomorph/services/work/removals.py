"""What goes at the end of a job and cannot be brought back: sources, superseded versions, left-overs.

First all of it is looked at, then the job is marked as coming to its end (`jobs.lifecycle.ending`),
and only then the first file goes. Nothing here holds more than a batch of a job and identifiers.
Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from dicomorph.jobs.lifecycle import is_running
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, Job
from dicomorph.jobs.summary import Summary
from dicomorph.model.object_keys import product_of
from dicomorph.model.resources import ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import discard_removed
from dicomorph.services.jobs.records import get_job
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.outcomes import JobOutcomes

_Thing = TypeVar("_Thing")

_DELETED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Removals:
    """What is to go at the end of a job.

    Parameters
    ----------
    sources : bool
        Whether the sources are that were not refused, as each of them has a product that is there.
    left_overs : bool
        Whether there are files of instances that nothing refers to any more.
    batch : int
        With which removing begins: those before it are done.
    """

    sources: bool = False
    left_overs: bool = False
    batch: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return self.sources or self.left_overs


@dataclass(frozen=True, slots=True)
class Look:
    """What was found to go in the batches before one; that one is next, None if all were looked at."""

    found: Removals
    batch: int | None = 0


def find_removals(
    backend: Backend,
    job: Job,
    outcomes: JobOutcomes,
    summary: Summary,
    *,
    after: Look | None = None,
    budget: Budget | None = None,
) -> Look:
    """Look what is to go; nothing changes.

    A source goes only after every instance has a product or was refused, and every product was found
    stored and indexed; so all products are looked up before the first source goes. What was refused stays.

    Parameters
    ----------
    after : Look, optional
        What was found before, by a call whose budget was spent.
    """
    look = after or Look(Removals(not job.keep_source and summary.success is not None and not summary.failed))
    sources, left_overs, first = look.found.sources, look.found.left_overs, look.batch or 0

    def see(batch: BatchOutcome) -> tuple[bool, bool]:
        held = _held(backend, batch)
        return bool(_left_overs(backend, batch, held)), sources and _are_safe(backend, batch, held)

    seen = backend.side_by_side(see, outcomes.batches(first))
    for number, (is_left_over, are_safe) in enumerate(seen, start=first + 1):
        left_overs, sources = left_overs or is_left_over, sources and are_safe
        if left_overs and not sources:
            break
        if budget is not None and budget.is_spent:
            return Look(Removals(sources, left_overs), number)
    return Look(Removals(sources, left_overs), None)


def remove_for_good(
    backend: Backend, job: Job, outcomes: JobOutcomes, removals: Removals, *, budget: Budget | None = None
) -> Removals:
    """Remove what was found, as long as the job runs; return what is left of it to the next call."""
    if removals.sources:
        # An outcome that a late worker has written anew meanwhile counts as it reads now.
        batch = _delete(backend, job, outcomes, removals.batch, budget)
        if batch is not None:
            return replace(removals, batch=batch)
    if removals.left_overs:
        batch = _tidy(backend, job, outcomes, 0 if removals.sources else removals.batch, budget)
        if batch is not None:
            return Removals(left_overs=True, batch=batch)
    return Removals()


def _held(backend: Backend, batch: BatchOutcome) -> dict[str, ObjectRef]:
    """Return the objects that the instances of a batch, sources and products, have now.

    Those whose product was not taken are among them: a duplicated task may have brought it in since.
    """
    touched = (pin.ancestry.instance for pin in _touched(batch))
    ids = list(dict.fromkeys([*touched, *(product_of(ref.key) for ref in batch.superseded)]))
    return {pin.ancestry.instance: pin.object for pin in backend.index.catalogue.pins_of(ids)}


def _left_overs(backend: Backend, batch: BatchOutcome, held: Mapping[str, ObjectRef]) -> list[ObjectRef]:
    """Return what nothing refers to any more.

    Products are left over where the index kept another version of an instance, sources
    where they were edited in place. Versions are compared by key: a duplicated task writes
    the same bytes again under the same key.
    """
    in_use = {ref.key for ref in held.values()}
    left_over = [
        pin.object
        for pin in _touched(batch)
        if pin.ancestry.instance in held and held[pin.ancestry.instance].key != pin.object.key
    ]
    found = [*(ref for ref in batch.superseded if ref.key not in in_use), *left_over]
    return [ref for ref in found if not _may_be_the_last(backend, held.get(product_of(ref.key)))]


def _may_be_the_last(backend: Backend, held: ObjectRef | None) -> bool:
    """Tell whether the version that an instance has now has lost its file, so that any other one counts.

    So it is where an older index was put back amid a job that had ended since: what that has stored is
    nobody's then, and what it replaced has gone. A bucket keeps versions for such a case.
    """
    if held is None or backend.objects.keeps_versions:
        return False
    return not backend.objects.are_stored([held])


def _are_safe(backend: Backend, batch: BatchOutcome, held: Mapping[str, ObjectRef]) -> bool:
    """Tell whether each instance that was not refused has a product in the index, whose object is there."""
    products = list(_products(batch.instances))
    return (
        len(products) == sum(not one.refused for one in batch.instances)
        and all(_is_held(held, product) for product in products)
        and backend.objects.are_stored([product.object for product in products])
    )


def _is_held(held: Mapping[str, ObjectRef], pin: Pin) -> bool:
    found = held.get(pin.ancestry.instance)
    return found is not None and found.key == pin.object.key


def _touched(batch: BatchOutcome) -> Iterator[Pin]:
    yield from _products(batch.instances)
    yield from (outcome.source for outcome in batch.instances)


def _products(outcomes: Iterable[InstanceOutcome]) -> Iterator[Pin]:
    return (outcome.product for outcome in outcomes if outcome.product is not None)


def _delete(
    backend: Backend, job: Job, outcomes: JobOutcomes, first: int, budget: Budget | None
) -> int | None:
    """Delete sources, from a batch on; return the batch to go on with, None if there is none."""
    sources = (
        (batch.number, [one.source for one in batch.instances if one.product is not None])
        for batch in outcomes.batches(first)
    )

    def remove(pins: list[Pin]) -> None:
        pins = list(dict.fromkeys(pins))
        backend.index.eraser.remove_instances(pins)
        # Nothing refers to these versions now, whether this call or a crashed one before removed them.
        discard_removed(backend, [pin.object for pin in pins], job=job.id)

    return _in_rows(backend, job, sources, remove, budget)


def _tidy(backend: Backend, job: Job, outcomes: JobOutcomes, first: int, budget: Budget | None) -> int | None:
    """Discard what is left over, as `_delete` does."""

    def left_overs(batch: BatchOutcome) -> tuple[int, list[ObjectRef]]:
        return batch.number, _left_overs(backend, batch, _held(backend, batch))

    found = backend.side_by_side(left_overs, outcomes.batches(first))

    # Many at once, since the disk is waited for; what has an entry by then, the outbox leaves out.
    def discard(refs: list[ObjectRef]) -> None:
        backend.index.outbox.name(refs)
        discard_removed(backend, refs, job=job.id)

    return _in_rows(backend, job, found, discard, budget)


def _in_rows(
    backend: Backend,
    job: Job,
    batches: Iterable[tuple[int, list[_Thing]]],
    remove: Callable[[list[_Thing]], None],
    budget: Budget | None,
) -> int | None:
    """Remove what the batches have, up to a thousand at once, as long as the job runs."""
    row: list[_Thing] = []
    is_spent = False
    for number, some in batches:
        if row and (is_spent or len(row) + len(some) > _DELETED_AT_ONCE):
            if not _goes_on(backend, job):
                return None
            remove(row)
            row = []
        if is_spent:
            return number
        row += some
        is_spent = budget is not None and budget.is_spent
    if row and _goes_on(backend, job):
        remove(row)
    return None


def _goes_on(backend: Backend, job: Job) -> bool:
    """Tell whether the job was not reported as failed meanwhile: a failed job keeps what it has."""
    return is_running(get_job(backend, job.id), job.execution)
