"""What the end of a job changes in the store: parents refreshed, left-overs and sources deleted.

Nothing here holds more than a batch of a job and identifiers. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from dicomorph.dicom.views.description import describe
from dicomorph.jobs.lifecycle import is_running
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, Job, JobType
from dicomorph.jobs.summary import Summary
from dicomorph.model.errors import BadFileFormatError, InexistentTagError, UnknownResourceError
from dicomorph.model.resources import Level, ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.records import get_job
from dicomorph.services.work.durability import must_last
from dicomorph.services.work.outcomes import JobOutcomes

_PARENT_LEVELS = (Level.PATIENT, Level.STUDY, Level.SERIES)
_DELETED_AT_ONCE = 1000


def settle_products(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> None:
    """Bring the store in the state that a job leaves behind.

    A source is deleted only after every instance has a product, and every product was found
    stored and indexed; so all products are looked up before the first source goes.
    """
    if job.type is JobType.RESOURCE_MODIFICATION:  # as in Orthanc (spec 4)
        _refresh_parents(backend, job, outcomes, summary)
    if must_last(backend, job):
        backend.index.ingest.sync()  # of products whose files the workers synced before they added them
    may_go = not job.keep_source and not summary.failed
    for batch in outcomes.batches():
        held = _held(backend, batch)
        _tidy(backend, job, batch, held)
        may_go = may_go and _are_safe(backend, batch, held)
    if may_go:
        # An outcome that a late worker has written anew meanwhile counts as it reads now.
        _delete(backend, job, (outcome.source for outcome in outcomes if outcome.product is not None))


def _refresh_parents(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> None:
    """Rebuild the main tags of the parents from one product of each series (spec 3.10)."""
    for series in sorted(summary.series):
        product = outcomes.product(summary.series[series])
        if not _is_held(backend, product):  # deleted or replaced: others know the parents better
            continue
        try:
            source = backend.objects.open(product.object)
        except UnknownResourceError:  # deleted in this moment
            continue
        try:
            facts = describe(source, default_encoding=job.default_encoding).facts
        except (BadFileFormatError, InexistentTagError):
            continue
        finally:
            source.close()
        for level in _PARENT_LEVELS:
            backend.index.annotations.refresh(level, product.ancestry.at(level), facts[level])


def _is_held(backend: Backend, product: Pin) -> bool:
    held = backend.index.catalogue.get(Level.INSTANCE, product.ancestry.instance)
    return held is not None and held.object is not None and held.object.key == product.object.key


def _held(backend: Backend, batch: BatchOutcome) -> dict[str, str]:
    """Return the keys of the objects that the instances of a batch, sources and products, have now."""
    ids = list(dict.fromkeys(pin.ancestry.instance for pin in _touched(batch)))
    return {pin.ancestry.instance: pin.object.key for pin in backend.index.catalogue.pins_of(ids)}


def _tidy(backend: Backend, job: Job, batch: BatchOutcome, held: Mapping[str, str]) -> None:
    """Discard what nothing refers to any more.

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
    _discard(backend, job, [*(ref for ref in batch.superseded if ref.key not in in_use), *left_over])


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
        if not is_running(get_job(backend, job.id), job.execution):
            return  # reported as failed meanwhile: a failed job keeps its sources
        backend.index.eraser.remove_instances(pins)
        # Nothing refers to these versions now, whether this call or a crashed one before removed them.
        _discard(backend, job, [pin.object for pin in pins])


def _discard(backend: Backend, job: Job, refs: Sequence[ObjectRef]) -> None:
    if refs:
        pinned = any(other.id != job.id and not other.state.is_final for other in backend.jobs.all())
        backend.objects.discard(refs, pinned=pinned)
