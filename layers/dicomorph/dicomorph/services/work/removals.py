"""What goes at the end of a job and cannot be brought back: sources, superseded versions, left-overs.

First all of it is looked at, then the job is marked as coming to its end (`jobs.lifecycle.ending`),
and only then the first file goes. Nothing here holds more than a batch of a job and identifiers.
Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from dicomorph.jobs.lifecycle import is_running
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, Job
from dicomorph.jobs.summary import Summary
from dicomorph.model.object_keys import product_of
from dicomorph.model.resources import ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import discard_removed
from dicomorph.services.jobs.records import get_job
from dicomorph.services.work.outcomes import JobOutcomes

_DELETED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Removals:
    """What is to go at the end of a job.

    Parameters
    ----------
    sources : bool
        Whether the sources are, as each of them has a product that is there.
    left_overs : bool
        Whether there are files of instances that nothing refers to any more.
    """

    sources: bool = False
    left_overs: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return self.sources or self.left_overs


def find_removals(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> Removals:
    """Look what is to go; nothing changes.

    A source goes only after every instance has a product, and every product was found stored
    and indexed; so all products are looked up before the first source goes.
    """
    sources = not job.keep_source and summary.instances > 0 and not summary.failed
    left_overs = False
    for batch in outcomes.batches():
        held = _held(backend, batch)
        left_overs = left_overs or bool(_left_overs(batch, held))
        sources = sources and _are_safe(backend, batch, held)
        if left_overs and not sources:
            break
    return Removals(sources, left_overs)


def remove_for_good(backend: Backend, job: Job, outcomes: JobOutcomes, removals: Removals) -> None:
    """Remove what was found, as long as the job runs."""
    if removals.sources:
        # An outcome that a late worker has written anew meanwhile counts as it reads now.
        _delete(backend, job, (outcome.source for outcome in outcomes if outcome.product is not None))
    if removals.left_overs:
        _tidy(backend, job, outcomes)


def _held(backend: Backend, batch: BatchOutcome) -> dict[str, str]:
    """Return the keys of the objects that the instances of a batch, sources and products, have now.

    Those whose product was not taken are among them: a duplicated task may have brought it in since.
    """
    touched = (pin.ancestry.instance for pin in _touched(batch))
    ids = list(dict.fromkeys([*touched, *(product_of(ref.key) for ref in batch.superseded)]))
    return {pin.ancestry.instance: pin.object.key for pin in backend.index.catalogue.pins_of(ids)}


def _left_overs(batch: BatchOutcome, held: Mapping[str, str]) -> list[ObjectRef]:
    """Return what nothing refers to any more.

    Products are left over where the index kept another version of an instance, sources
    where they were edited in place. Versions are compared by key: a duplicated task writes
    the same bytes again under the same key.
    """
    left_over = [
        pin.object
        for pin in _touched(batch)
        if held.get(pin.ancestry.instance, pin.object.key) != pin.object.key
    ]
    in_use = set(held.values())
    return [*(ref for ref in batch.superseded if ref.key not in in_use), *left_over]


def _are_safe(backend: Backend, batch: BatchOutcome, held: Mapping[str, str]) -> bool:
    """Tell whether each instance has a product that the index holds, and whose object is there."""
    products = list(_products(batch.instances))
    return (
        len(products) == len(batch.instances)
        and all(held.get(product.ancestry.instance) == product.object.key for product in products)
        and backend.objects.are_stored([product.object for product in products])
    )


def _touched(batch: BatchOutcome) -> Iterator[Pin]:
    yield from _products(batch.instances)
    yield from (outcome.source for outcome in batch.instances)


def _products(outcomes: Iterable[InstanceOutcome]) -> Iterator[Pin]:
    return (outcome.product for outcome in outcomes if outcome.product is not None)


def _delete(backend: Backend, job: Job, sources: Iterator[Pin]) -> None:
    while pins := list(dict.fromkeys(islice(sources, _DELETED_AT_ONCE))):
        if not _goes_on(backend, job):
            return
        backend.index.eraser.remove_instances(pins)
        # Nothing refers to these versions now, whether this call or a crashed one before removed them.
        discard_removed(backend, [pin.object for pin in pins], job=job.id)


def _tidy(backend: Backend, job: Job, outcomes: JobOutcomes) -> None:
    left_overs = (ref for batch in outcomes.batches() for ref in _left_overs(batch, _held(backend, batch)))
    # Many at once, since the disk is waited for; what has an entry by then, the outbox leaves out.
    while refs := list(islice(left_overs, _DELETED_AT_ONCE)):
        if not _goes_on(backend, job):
            return
        backend.index.outbox.name(refs)
        discard_removed(backend, refs, job=job.id)


def _goes_on(backend: Backend, job: Job) -> bool:
    """Tell whether the job was not reported as failed meanwhile: a failed job keeps what it has."""
    return is_running(get_job(backend, job.id), job.execution)
