"""The products that a failed job has left: what its caller may want to delete, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from dicomorph.jobs.documents import numbers_in, outcomes_prefix, parts_prefix, read_outcome
from dicomorph.jobs.model import BatchOutcome, Job, JobState
from dicomorph.services.backend import Backend

_MOST_DOCUMENTS = 100  # of a job that nobody summed up: who asks for it waits for them


def left_products(backend: Backend, batches: Iterable[BatchOutcome]) -> list[str]:
    """Return the ids of the instances that are products of a job and still there, in ascending order.

    One that was edited in place is none of them: to delete it is to delete its source.

    Parameters
    ----------
    batches : Iterable[BatchOutcome]
        Gone through once; identifiers alone are in memory together.
    """
    sources: set[str] = set()
    found: set[str] = set()
    for of_batch, held in backend.side_by_side(lambda batch: _of_batch(backend, batch), batches):
        sources.update(of_batch)
        found.update(held)
    return sorted(found - sources)


def _of_batch(backend: Backend, batch: BatchOutcome) -> tuple[list[str], list[str]]:
    """Return the sources of a batch, and those of its products that are there."""
    products = [outcome.product for outcome in batch.instances if outcome.product is not None]
    ids = [product.ancestry.instance for product in products]
    held = {pin.ancestry.instance: pin.object.key for pin in backend.index.catalogue.pins_of(ids)}
    return (
        [outcome.source.ancestry.instance for outcome in batch.instances],
        [
            product.ancestry.instance
            for product in products
            if held.get(product.ancestry.instance) == product.object.key
        ],
    )


def unlisted_products(backend: Backend, job: Job) -> list[str]:
    """Return those of a job that was cancelled, or lost: nobody has summed it up.

    None, if there are too many documents to read while somebody waits.
    """
    if job.state is not JobState.FAILURE or job.listing or job.target or not job.plan:
        return []
    keys = list(islice(_keys(backend, job), _MOST_DOCUMENTS + 1))
    return left_products(backend, _recorded(backend, keys)) if len(keys) <= _MOST_DOCUMENTS else []


def _keys(backend: Backend, job: Job) -> Iterator[str]:
    """Yield the keys of all outcomes, whichever attempt has left them."""
    for number in range(1, job.attempt + 1):
        attempt = replace(job, attempt=number)
        for prefix in (outcomes_prefix(attempt), parts_prefix(attempt)):
            yield from backend.objects.keys(prefix)


def _recorded(backend: Backend, keys: Iterable[str]) -> Iterator[BatchOutcome]:
    for key in keys:
        outcome = read_outcome(backend.objects.get(key), numbers_in(key)[0])
        if outcome is not None:
            yield outcome
