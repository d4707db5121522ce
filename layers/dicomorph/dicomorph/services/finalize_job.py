"""The last task of a job's workflow: its result follows from the recorded outcomes, from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dicomorph.dicom.description import describe
from dicomorph.jobs.contents import final_content, product_listing
from dicomorph.jobs.documents import (
    batch_key,
    batch_sizes,
    decode_batch,
    decode_outcome,
    encode_listing,
    listing_key,
    manifest_key,
    outcome_key,
    part_key,
)
from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome, Job, JobState, JobType
from dicomorph.jobs.summary import first_failure, replaced_sources, series_representatives
from dicomorph.model.errors import (
    BadFileFormatError,
    InexistentItemError,
    InexistentTagError,
    InternalError,
    UnknownResourceError,
)
from dicomorph.model.resources import Level, ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.job_records import (
    change_job,
    fail_job,
    forget_documents,
    get_job,
    read_listing,
    timestamp,
)

_PARENT_LEVELS = (Level.PATIENT, Level.STUDY, Level.SERIES)


def finalize_job(backend: Backend, job_id: str) -> None:
    """Sum up a job and end it.

    Every step can be repeated: a crash at any point leaves a job that is finalized again.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    InexistentItemError
        If there is no such job.
    """
    job = get_job(backend, job_id)
    if not job.state.is_final:
        batches = list(_batch_outcomes(backend, job))
        outcomes = sorted(
            (outcome for batch in batches for outcome in batch.instances),
            key=lambda outcome: outcome.source.ancestry.instance,
        )
        if not job.target:  # what left the store touches nothing in it
            _settle(backend, job, batches, outcomes)
        _end(backend, job, outcomes)
    _clean_up(backend)


def _settle(
    backend: Backend, job: Job, batches: Sequence[BatchOutcome], outcomes: Sequence[InstanceOutcome]
) -> None:
    if job.type is JobType.RESOURCE_MODIFICATION:  # as in Orthanc (spec 4)
        _refresh_parents(backend, job, outcomes)
    _discard(backend, job, [ref for batch in batches for ref in batch.superseded])
    _tidy(backend, job, outcomes)


def abandon_job(backend: Backend, job_id: str) -> None:
    """End a job whose planning or finalization crashed: it must not look alive for ever."""
    try:
        fail_job(backend, job_id, code=InternalError.code, details="A step of the job crashed")
    except InexistentItemError:
        return
    _clean_up(backend)


def _batch_outcomes(backend: Backend, job: Job) -> Iterator[BatchOutcome]:
    manifest = backend.objects.get(manifest_key(job.id))
    if manifest is None:
        raise InternalError("The job was never planned")
    for number in range(len(batch_sizes(manifest))):
        document = backend.objects.get(outcome_key(job.id, number))
        if document is not None:
            yield decode_outcome(document)
            continue
        batch = backend.objects.get(batch_key(job.id, number))
        if batch is None:
            raise InternalError("A batch of the job is gone")
        yield from _outcomes_of_parts(backend, job, decode_batch(batch))


def _outcomes_of_parts(backend: Backend, job: Job, batch: Batch) -> Iterator[BatchOutcome]:
    """Yield what is known of a batch whose worker died: an instance without an outcome failed."""
    for part, pin in enumerate(batch.pins):
        document = backend.objects.get(part_key(job.id, batch.number, part))
        if document is None:
            failed = InstanceOutcome(pin, None, InternalError.code, "The worker died")
            yield BatchOutcome(batch.number, (failed,))
        else:
            yield decode_outcome(document)


def _refresh_parents(backend: Backend, job: Job, outcomes: Sequence[InstanceOutcome]) -> None:
    for product in series_representatives(outcomes):
        try:
            source = backend.objects.open(product.object)
        except UnknownResourceError:  # deleted already, or another version was stored before
            continue
        try:
            facts = describe(source, default_encoding=job.default_encoding).facts
        except (BadFileFormatError, InexistentTagError):
            continue
        finally:
            source.close()
        for level in _PARENT_LEVELS:
            backend.index.refresh(level, product.ancestry.at(level), facts[level])


def _tidy(backend: Backend, job: Job, outcomes: Sequence[InstanceOutcome]) -> None:
    """Discard what nothing refers to any more, and the sources if that was asked for and loses nothing.

    Products are left over where the index kept another version of an instance, sources
    where they were edited in place.
    """
    products = {outcome.product for outcome in outcomes if outcome.product is not None}
    stored: set[Pin] = set()
    for series in {product.ancestry.series for product in products}:
        stored.update(backend.index.pins(Level.SERIES, series))
    versions = {pin.ancestry.instance: pin.object for pin in stored}
    touched = (*products, *(outcome.source for outcome in outcomes))
    left_over = [
        pin.object for pin in touched if versions.get(pin.ancestry.instance, pin.object) != pin.object
    ]
    _discard(backend, job, left_over)
    if not job.keep_source and stored.issuperset(products):
        sources = replaced_sources(outcomes)
        backend.index.remove_instances(sources)
        # Nothing refers to these versions now, whether this call or a crashed one before removed them.
        _discard(backend, job, [pin.object for pin in sources])


def _discard(backend: Backend, job: Job, refs: Sequence[ObjectRef]) -> None:
    if refs:
        pinned = any(other.id != job.id and not other.state.is_final for other in backend.jobs.all())
        backend.objects.discard(refs, pinned=pinned)


def _end(backend: Backend, job: Job, outcomes: Sequence[InstanceOutcome]) -> None:
    failure = None if job.permissive else first_failure(outcomes)
    if job.has_listing:
        listing = {**read_listing(backend, job), **product_listing(job, outcomes)}
        backend.objects.put(listing_key(job.id), encode_listing(listing))
    completed = timestamp(backend.now())
    change_job(
        backend,
        job.id,
        lambda job: replace(
            job,
            state=JobState.FAILURE if failure else JobState.SUCCESS,
            completed=completed,
            error_code=failure.error_code if failure else 0,
            error_details=failure.details if failure else "",
            content=final_content(job, outcomes),
        ),
    )


def _clean_up(backend: Backend) -> None:
    jobs = backend.jobs.all()
    ended = sorted((job for job in jobs if job.state.is_final), key=lambda job: (job.completed, job.id))
    # The last one stays whatever the setting: somebody may wait for its result.
    for job in ended[: -max(backend.settings.jobs_history_size, 1)]:
        forget_documents(backend, job.id)
        backend.jobs.delete(job.id)
    if len(ended) == len(jobs):
        backend.objects.release()
