"""The last task of a job's workflow: its result follows from the recorded outcomes, from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dicomorph.jobs.contents import final_content, product_listing
from dicomorph.jobs.documents import encode_listing, listing_key
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.summary import Summary, summarize
from dicomorph.model.errors import InexistentItemError, InternalError
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.job_outcomes import JobOutcomes
from dicomorph.services.job_records import (
    change_job,
    fail_job,
    forget_documents,
    get_job,
    read_listing,
    timestamp,
)
from dicomorph.services.settle_products import settle_products


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
        outcomes = JobOutcomes(backend, job.id)
        summary = summarize(outcomes.batches())
        if not job.target:  # what left the store touches nothing in it
            settle_products(backend, job, outcomes, summary)
        _end(backend, job, outcomes, summary)
    _clean_up(backend)


def abandon_job(backend: Backend, job_id: str) -> None:
    """End a job whose planning or finalization crashed: it must not look alive for ever."""
    try:
        fail_job(backend, job_id, code=InternalError.code, details="A step of the job crashed")
    except InexistentItemError:
        return
    _clean_up(backend)


def _end(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> None:
    failure = None if job.permissive else summary.failure
    if job.has_listing:
        listing: dict[str, Iterable[Json]] = {**read_listing(backend, job), **product_listing(job, outcomes)}
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
            content=final_content(job, summary),
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
