"""What is done already of a batch when its job is taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dicomorph.jobs.documents import numbers_in, outcome_key, part_key, parts_prefix, read_outcome
from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome, Job
from dicomorph.model.object_keys import product_key
from dicomorph.model.resources import Level, ObjectRef, Pin
from dicomorph.services.backend import Backend


@dataclass(slots=True)
class EarlierOutcomes:
    """The instances of a batch that need not be edited again, by their position.

    ``superseded`` are the versions that were replaced, which finalization is to know of.
    """

    instances: dict[int, InstanceOutcome] = field(default_factory=dict)
    superseded: dict[ObjectRef, None] = field(default_factory=dict)


def earlier_outcomes(backend: Backend, job: Job, batch: Batch, *, is_again: bool = False) -> EarlierOutcomes:
    """Gather what earlier executions made of a batch, as far as the products are still there.

    The newest attempt goes first. A source that was edited in place cannot be edited again, so
    what succeeded has to be kept even where the rest of its batch failed.

    Parameters
    ----------
    is_again : bool
        As in `edit_batch`.
    """
    found = EarlierOutcomes()
    if job.execution == 1 and not is_again:
        return found
    for attempt in range(job.attempt, 0, -1):
        for position, outcome in _recorded(backend, replace(job, attempt=attempt), batch):
            found.superseded.update(dict.fromkeys(outcome.superseded))
            for index, instance in enumerate(outcome.instances, start=position):
                is_given_up = is_again and attempt == job.attempt and instance.product is None
                if index not in found.instances and (is_given_up or _is_there(backend, job, instance)):
                    found.instances[index] = instance
    if backend.settings.overwrite_instances.replaces:
        found.instances |= _edited_in_place(backend, job, batch, found)
    return found


def _edited_in_place(
    backend: Backend, job: Job, batch: Batch, found: EarlierOutcomes
) -> dict[int, InstanceOutcome]:
    """Return what a worker has stored, and died before it could tell: such a source is there no more."""
    edited: dict[int, InstanceOutcome] = {}
    for index, pin in enumerate(batch.pins):
        if index in found.instances:
            continue
        instance = pin.ancestry.instance
        held = backend.index.catalogue.get(Level.INSTANCE, instance)
        key = product_key(job.id, instance, batch.number, index)
        if held is not None and held.object is not None and held.object.key == key:
            edited[index] = InstanceOutcome(pin, Pin(pin.ancestry, held.object))
    return edited


def _recorded(backend: Backend, job: Job, batch: Batch) -> Iterator[tuple[int, BatchOutcome]]:
    """Yield the outcomes of one attempt with the position of their first instance."""
    document = backend.objects.get(outcome_key(job, batch.number))
    outcome = read_outcome(document, batch.number, len(batch.pins))
    if outcome is not None:
        yield 0, outcome
    for key in backend.objects.keys(f"{parts_prefix(job)}{batch.number:06}-"):
        position = numbers_in(key)[1]
        document = backend.objects.get(part_key(job, batch.number, position))
        part = read_outcome(document, batch.number, 1)
        if part is not None:
            yield position, part


def _is_there(backend: Backend, job: Job, outcome: InstanceOutcome) -> bool:
    product = outcome.product
    if product is None or job.target:  # nothing is read in a target
        return product is not None
    held = backend.index.catalogue.get(Level.INSTANCE, product.ancestry.instance)
    # The file, too: it may have gone amid an attempt to store it again (`edit_batch`).
    return held is not None and held.object is not None and backend.objects.are_stored([held.object])
