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
from dicomorph.services.jobs.left_products import left_products
from dicomorph.services.jobs.records import change_job, fail_job, get_job, read_listing, timestamp
from dicomorph.services.work.left_behind import count_dangling
from dicomorph.services.work.outcomes import JobOutcomes
from dicomorph.services.work.removals import Removals, find_removals, remove_for_good
from dicomorph.services.work.settle_products import settle_products


def finalize_job(backend: Backend, job_id: str, execution: int = 1) -> None:
    """Sum up a job and end it, unless it is stopped before.

    Every step can be repeated: a crash at any point leaves a job that is finalized again. What
    comes before the mark `Job.is_ending` does no harm to a job that is stopped meanwhile. There is
    a mark only where something goes that cannot be brought back; other jobs can be stopped until
    the record says how they ended.

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
    job = get_job(backend, job_id)
    if is_running(job, execution):
        _finalize(backend, job)
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


def _finalize(backend: Backend, job: Job) -> None:
    outcomes = JobOutcomes(backend, job)
    summary = summarize(outcomes.batches())
    left: list[str] = []
    if not job.target and not job.permissive and summary.failed:
        left = left_products(backend, outcomes.batches())
    if job.has_listing or left:
        job = _list_products(backend, job, outcomes, left)
    removals, dangling = Removals(), 0
    if not job.target:  # what left the store touches nothing in it
        settle_products(backend, job, outcomes, summary)
        removals = find_removals(backend, job, outcomes, summary)
    if removals.sources:
        dangling = count_dangling(backend, job, outcomes)
    if removals.any:
        # From here on nobody stops the job, so one that was stopped has removed nothing.
        marked = change_job(backend, job.id, lambda newest: ending(newest, job.execution))
        if not is_running(marked, job.execution):
            return
        remove_for_good(backend, job, outcomes, removals)
    _end(backend, job, summary, dangling)


def _list_products(backend: Backend, job: Job, outcomes: JobOutcomes, left: list[str]) -> Job:
    """Write the listing of this execution; return the record that names it."""
    listing: dict[str, Iterable[Json]] = {**read_listing(backend, job), **product_listing(job, outcomes)}
    if left:
        listing["Products"] = left
    document = encode_listing(listing)
    get_job(backend, job.id)  # if it was deleted meanwhile, no document may be left of it
    job = replace(job, listing=job.execution)
    backend.objects.put(listing_key(job), document)
    return job


def _end(backend: Backend, job: Job, summary: Summary, dangling: int) -> None:
    moment = timestamp(backend.now())

    def ended(newest: Job) -> Job:
        if not is_running(newest, job.execution):
            return newest
        return _ended(replace(newest, listing=job.listing), moment, summary, dangling)

    change_job(backend, job.id, ended)


def _ended(job: Job, moment: str, summary: Summary, dangling: int) -> Job:
    summed = replace(job, content=final_content(job, summary, dangling=dangling))
    failure = None if job.permissive else summary.failure
    if failure is None:
        return succeeded(summed, moment)
    return failed(summed, moment, code=failure.error_code, details=failure.details)
