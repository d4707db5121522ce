"""What the end of a job puts right in the store before anything goes.

Every step can be repeated, and does no harm to a job that is stopped now and goes on later.
"""

from __future__ import annotations

from dicomorph.dicom.views.description import describe
from dicomorph.jobs.model import Job, JobType
from dicomorph.jobs.summary import Summary
from dicomorph.model.errors import (
    BadFileFormatError,
    CorruptedFileError,
    InexistentTagError,
    UnknownResourceError,
)
from dicomorph.model.resources import PARENT_LEVELS, Level, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.work.durability import must_last
from dicomorph.services.work.outcomes import JobOutcomes


def settle_products(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> None:
    """Refresh the parents of the products, and let these be on the disk before anything goes for them."""
    if job.type is JobType.RESOURCE_MODIFICATION:  # as in Orthanc (spec 4)
        _refresh_parents(backend, job, outcomes, summary)
    if must_last(backend, job):
        backend.index.ingest.sync()  # of products whose files the workers synced before they added them


def _refresh_parents(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> None:
    """Rebuild the main tags of the parents from one product of each series (spec 3.10)."""
    for series in sorted(summary.series):
        product = outcomes.product(summary.series[series])
        if not _is_held(backend, product):  # deleted or replaced: others know the parents better
            continue
        try:
            source = backend.objects.open(product.object)
        except (UnknownResourceError, CorruptedFileError):  # deleted in this moment, or damaged
            continue
        try:
            facts = describe(source, default_encoding=job.default_encoding).facts
        except (BadFileFormatError, InexistentTagError):
            continue
        finally:
            source.close()
        for level in PARENT_LEVELS:
            backend.index.annotations.refresh(level, product.ancestry.at(level), facts[level])


def _is_held(backend: Backend, product: Pin) -> bool:
    held = backend.index.catalogue.get(Level.INSTANCE, product.ancestry.instance)
    return held is not None and held.object is not None and held.object.key == product.object.key
