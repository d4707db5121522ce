"""The last task of a job's workflow: its result follows from the recorded outcomes, from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dicomorph.jobs.contents import final_content, product_listing
from dicomorph.jobs.documents import encode_listing, listing_key
from dicomorph.jobs.lifecycle import ending, failed, is_running, succeeded
from dicomorph.jobs.model import Job
from dicomorph.jobs.summary import Summary, summarize
from dicomorph.model.errors import DicomorphError, InexistentItemError, InternalError
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.history import trim_history
from dicomorph.services.jobs.records import change_job, fail_job, read_listing, timestamp
from dicomorph.services.work.outcomes import JobOutcomes
from dicomorph.services.work.settle_products import settle_products


def finalize_job(backend: Backend, job_id: str, execution: int = 1) -> None:
    """Sum up a job and end it, unless it was stopped before.

    Every step can be repeated: a crash at any point leaves a job that is finalized again.

    Parameters
    ----------
    execution : int
        Of the workflow that calls (`Job.execution`).

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    InexistentItemError
        If there is no such job.
    """
    # From here on nothing cancels the job, so a job that was cancelled deletes no source.
    job = change_job(backend, job_id, lambda job: ending(job, execution))
    if is_running(job, execution):
        outcomes = JobOutcomes(backend, job)
        summary = summarize(outcomes.batches())
        if not job.target:  # what left the store touches nothing in it
            settle_products(backend, job, outcomes, summary)
        _end(backend, job, outcomes, summary)
    trim_history(backend)


def abandon_job(
    backend: Backend, job_id: str, execution: int = 1, *, error: DicomorphError | None = None
) -> None:
    """End a job whose planning or finalization crashed: it must not look alive for ever."""
    found = error or InternalError("A step of the job crashed")
    try:
        fail_job(backend, job_id, execution=execution, code=found.code, details=found.details)
    except InexistentItemError:
        return
    trim_history(backend)


def _end(backend: Backend, job: Job, outcomes: JobOutcomes, summary: Summary) -> None:
    if job.has_listing:
        listing: dict[str, Iterable[Json]] = {**read_listing(backend, job), **product_listing(job, outcomes)}
        backend.objects.put(listing_key(job.id), encode_listing(listing))
    moment = timestamp(backend.now())
    change_job(
        backend,
        job.id,
        lambda newest: _ended(newest, moment, summary) if is_running(newest, job.execution) else newest,
    )


def _ended(job: Job, moment: str, summary: Summary) -> Job:
    summed = replace(job, content=final_content(job, summary))
    failure = None if job.permissive else summary.failure
    if failure is None:
        return succeeded(summed, moment)
    return failed(summed, moment, code=failure.error_code, details=failure.details)
