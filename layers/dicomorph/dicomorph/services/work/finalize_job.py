"""The last task of a job's workflow: its result follows from the recorded outcomes, from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dicomorph.jobs.contents import final_content, product_listing
from dicomorph.jobs.ending import EndCursor, Phase
from dicomorph.jobs.lifecycle import ending, failed, is_running, succeeded
from dicomorph.jobs.model import Job
from dicomorph.jobs.summary import Summary, summarize
from dicomorph.model.errors import DicomorphError, InexistentItemError, InternalError
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.history import trim_history
from dicomorph.services.jobs.left_products import left_products
from dicomorph.services.jobs.listings import read_listing, write_listing
from dicomorph.services.jobs.records import change_job, fail_job, get_job, timestamp
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.left_behind import count_dangling
from dicomorph.services.work.outcomes import JobOutcomes
from dicomorph.services.work.removals import Look, Removals, find_removals, remove_for_good
from dicomorph.services.work.settle_products import settle_products

_BEGINNING = EndCursor()


def finalize_job(
    backend: Backend,
    job_id: str,
    execution: int = 1,
    *,
    cursor: EndCursor = _BEGINNING,
    budget: Budget | None = None,
) -> EndCursor | None:
    """Sum up a job and end it, unless it is stopped before.

    Every step can be repeated: a crash at any point leaves a job that is finalized again. What
    comes before the mark `Job.is_ending` does no harm to a job that is stopped meanwhile. There is
    a mark only where something goes that cannot be brought back; other jobs can be stopped until
    the record says how they ended.

    Parameters
    ----------
    execution : int
        Of the workflow that calls (`Job.execution`).
    cursor : EndCursor
        What an earlier call answered, whose budget was spent.

    Returns
    -------
    EndCursor, optional
        Where the next call goes on; None if the job has ended.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    InexistentItemError
        If there is no such job.
    """
    job = get_job(backend, job_id)
    left = None
    if is_running(job, execution):
        left = _Finalization(backend, job, budget or Budget(), cursor).run()
    if left is None:
        trim_history(backend)
    return left


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


class _Finalization:
    """One call: phase after phase, until the job has ended or the budget is spent."""

    def __init__(self, backend: Backend, job: Job, budget: Budget, cursor: EndCursor) -> None:
        self._backend = backend
        self._job = replace(job, listing=cursor.listing or job.listing)
        self._budget = budget
        self._outcomes = JobOutcomes(backend, job)
        # Summed up by each call: the outcomes are what counts, and they take a minute of ten.
        self._summary = summarize(self._outcomes.batches())
        self._cursor = cursor
        self._phases = {
            Phase.LIST: self._list,
            Phase.SETTLE: self._settle,
            Phase.LOOK: self._look,
            Phase.COUNT: self._count,
            Phase.REMOVE: self._remove,
        }

    def run(self) -> EndCursor | None:
        """Return where to go on, None if the job has ended, or was stopped."""
        while self._cursor.phase in self._phases:
            reached = self._phases[self._cursor.phase](self._cursor)
            if reached is None:
                return None
            self._cursor = reached
            if self._budget.is_spent:
                return reached
        _end(self._backend, self._job, self._summary, self._cursor.dangling)
        return None

    def _list(self, cursor: EndCursor) -> EndCursor:
        job, outcomes, backend = self._job, self._outcomes, self._backend
        left: list[str] = []
        if not job.target and not job.permissive and self._summary.failed:
            left = left_products(backend, outcomes.batches())
        if job.has_listing or left:
            self._job = job = _list_products(backend, job, outcomes, left)
        cursor = replace(cursor, listing=job.listing)
        # What left the store touches nothing in it.
        return cursor.at(Phase.END if job.target else Phase.SETTLE)

    def _settle(self, cursor: EndCursor) -> EndCursor:
        following = settle_products(
            self._backend,
            self._job,
            self._outcomes,
            self._summary,
            first=cursor.batch,
            budget=self._budget,
        )
        return cursor.at(Phase.LOOK) if following is None else replace(cursor, batch=following)

    def _look(self, cursor: EndCursor) -> EndCursor:
        # A late worker may have recorded a failure between two steps: then all sources stay.
        before = Removals(cursor.sources and not self._summary.failed, cursor.left_overs)
        after = Look(before, cursor.batch) if cursor.batch else None
        look = find_removals(
            self._backend, self._job, self._outcomes, self._summary, after=after, budget=self._budget
        )
        found = replace(cursor, sources=look.found.sources, left_overs=look.found.left_overs)
        if look.batch is not None:
            return replace(found, batch=look.batch)
        if found.sources:
            return found.at(Phase.COUNT)
        return found.at(Phase.REMOVE if found.left_overs else Phase.END)

    def _count(self, cursor: EndCursor) -> EndCursor:
        dangling = count_dangling(self._backend, self._job, self._outcomes)
        return replace(cursor, dangling=dangling).at(Phase.REMOVE)

    def _remove(self, cursor: EndCursor) -> EndCursor | None:
        backend, job = self._backend, self._job
        # From here on nobody stops the job, so one that was stopped has removed nothing.
        marked = change_job(backend, job.id, lambda newest: ending(newest, job.execution))
        if not is_running(marked, job.execution):
            return None
        has_begun = cursor.batch > 0
        sources = cursor.sources and (has_begun or not self._summary.failed)
        removals = Removals(sources, cursor.left_overs, cursor.batch)
        left = remove_for_good(backend, job, self._outcomes, removals, budget=self._budget)
        cursor = replace(cursor, sources=left.sources, left_overs=left.left_overs, batch=left.batch)
        return cursor if left.any else cursor.at(Phase.END)


def _list_products(backend: Backend, job: Job, outcomes: JobOutcomes, left: list[str]) -> Job:
    """Write the listing of this execution; return the record that names it."""
    listing: dict[str, Iterable[Json]] = {**read_listing(backend, job), **product_listing(job, outcomes)}
    if left:
        listing["Products"] = left
    job = replace(job, listing=job.execution)
    # If it was deleted meanwhile, no document may be left of it.
    write_listing(backend, job, listing, before=lambda: get_job(backend, job.id))
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
