"""What the end of a job puts right in the store before anything goes.

Every step can be repeated, and does no harm to a job that is stopped now and goes on later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from dicomorph.dicom.views.description import describe
from dicomorph.jobs.model import Job, JobType
from dicomorph.jobs.summary import OutcomePosition, Summary
from dicomorph.model.errors import (
    BadFileFormatError,
    CorruptedFileError,
    InexistentTagError,
    UnknownResourceError,
)
from dicomorph.model.resources import PARENT_LEVELS, Level, LevelFacts, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.durability import must_last
from dicomorph.services.work.outcomes import JobOutcomes

_Parent: TypeAlias = tuple[Level, str]

_AT_ONCE = 1_000  # series whose parents are in memory together


def settle_products(
    backend: Backend,
    job: Job,
    outcomes: JobOutcomes,
    summary: Summary,
    *,
    first: int = 0,
    budget: Budget | None = None,
) -> int | None:
    """Refresh the parents of the products, and let these be on the disk before anything goes for them.

    Parameters
    ----------
    first : int
        What an earlier call answered, whose budget was spent.

    Returns
    -------
    int, optional
        Where the next call goes on; None if all is done.
    """
    if job.type is JobType.RESOURCE_MODIFICATION:  # as in Orthanc (spec 4)
        following = _refresh_parents(backend, job, outcomes, summary, first, budget)
        if following is not None:
            return following
    if must_last(backend, job):
        backend.index.ingest.sync()  # of products whose files the workers synced before they added them
    return None


def _refresh_parents(
    backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary, first: int, budget: Budget | None
) -> int | None:
    """Rebuild the main tags of the parents from one product of each series (spec 3.10).

    Above several series, the one with the last identifier counts.
    """
    positions = [summary.series[series] for series in sorted(summary.series)]
    for start in range(first, len(positions), _AT_ONCE):
        if start > first and budget is not None and budget.is_spent:
            return start
        _refresh(backend, job, outcomes, positions[start : start + _AT_ONCE])
    return None


def _refresh(backend: Backend, job: Job, outcomes: JobOutcomes, positions: Sequence[OutcomePosition]) -> None:
    """Rebuild the parents of some products, each once."""

    def facts(position: OutcomePosition) -> dict[_Parent, LevelFacts]:
        return _facts(backend, job, outcomes.product(position))

    def refresh(parent: _Parent) -> None:
        backend.index.annotations.refresh(*parent, parents[parent])

    parents: dict[_Parent, LevelFacts] = {}
    for found in backend.side_by_side(facts, positions):
        parents |= found
    for _ in backend.side_by_side(refresh, parents):
        pass


def _facts(backend: Backend, job: Job, product: Pin) -> dict[_Parent, LevelFacts]:
    """Return what a product says of its parents; nothing, if others know them better."""
    if not _is_held(backend, product):  # deleted or replaced
        return {}
    try:
        source = backend.objects.open(product.object)
    except (UnknownResourceError, CorruptedFileError):  # deleted in this moment, or damaged
        return {}
    try:
        facts = describe(source, default_encoding=job.default_encoding).facts
    except (BadFileFormatError, InexistentTagError):
        return {}
    finally:
        source.close()
    return {(level, product.ancestry.at(level)): facts[level] for level in PARENT_LEVELS}


def _is_held(backend: Backend, product: Pin) -> bool:
    held = backend.index.catalogue.get(Level.INSTANCE, product.ancestry.instance)
    return held is not None and held.object is not None and held.object.key == product.object.key
