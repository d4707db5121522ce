"""The first task of a job's workflow: from resources to batches of pinned instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from dicomorph.jobs.documents import (
    JobRequest,
    batch_key,
    encode_batch,
    encode_manifest,
    manifest_key,
    read_batch,
    read_manifest,
)
from dicomorph.jobs.drafts import Draft, draft_key, encode_draft, read_draft
from dicomorph.jobs.lifecycle import begun, failed, is_running, planned
from dicomorph.jobs.model import Batch, Job, JobType
from dicomorph.jobs.planning import Source, distinct_sources, number_batches, plan_batches, planned_size
from dicomorph.model.errors import (
    CanceledJobError,
    DicomorphError,
    StorageFullError,
    TransientError,
    UnknownResourceError,
)
from dicomorph.model.object_keys import SIBLING_BYTES
from dicomorph.model.resources import ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import work_off
from dicomorph.services.jobs.records import change_job, get_job, job_request, timestamp
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.durability import must_last
from dicomorph.services.work.job_watch import JobWatch
from dicomorph.services.work.moved_sources import has_moved_sources
from dicomorph.services.work.pack_sources import write_moved_sources
from dicomorph.services.work.product_ids import check_products

_AT_ONCE = 1_000  # sources that are looked up together


def plan_job(backend: Backend, job_id: str, execution: int = 1) -> int:
    """Cut the sources of a job into batches and return how many there are (see `plan_further`)."""
    job, _ = plan_further(backend, job_id, execution)
    return job.batches if is_running(job, execution) else 0


def plan_further(
    backend: Backend, job_id: str, execution: int, *, draft: str = "", budget: Budget | None = None
) -> tuple[Job, str]:
    """Cut the sources of a job into batches.

    Each call that finds no plan makes one of its own, with documents that no other call writes,
    and the record takes the first that is complete: of planners that run at once, or one of
    which was stopped amid its work, nothing is ever mixed. A repeated call answers the same, and
    so does a later execution: a job that is taken up again works on the sources that were pinned
    first. A plan that fails for good ends the job; there is nothing to edit then.

    Parameters
    ----------
    execution : int
        Of the workflow that calls (`Job.execution`).
    draft : str
        What an earlier call answered, whose budget was spent.

    Returns
    -------
    Job, str
        The record, and the name of the draft that the next call goes on with; empty if there is
        nothing to plan any more.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    InexistentItemError
        If there is no such job.
    """
    moment = timestamp(backend.now())
    job = change_job(backend, job_id, lambda job: begun(job, execution, moment))
    # One that has a draft has lost the plan that its record names, or has none.
    if not is_running(job, execution) or (not draft and _has_plan(backend, job)):
        return job, ""
    job, draft = _planned(backend, job, draft, budget or Budget())
    if not draft:
        with suppress(DicomorphError):  # what was deleted meanwhile, and is in no plan
            work_off(backend)
    return job, draft


def plan_of(backend: Backend, job_id: str) -> str:
    """Return the name of a job's plan, by which the workflow finds the items of its map."""
    return get_job(backend, job_id).plan


def _has_plan(backend: Backend, job: Job) -> bool:
    """Tell whether a plan was made and all of it is there.

    A power cut may have taken documents that nobody waited for (embedded, `must_last`).
    """
    sizes = read_manifest(backend.objects.get(manifest_key(job)), job) if job.plan else None
    if sizes is None or not has_moved_sources(backend, job):
        return False

    def has_batch(number: int) -> bool:
        return read_batch(backend.objects.get(batch_key(job, number)), number) is not None

    return all(backend.side_by_side(has_batch, range(len(sizes))))


def _planned(backend: Backend, job: Job, name: str, budget: Budget) -> tuple[Job, str]:
    """Return the record with a plan, or failed because there can be none; or the name of a draft."""
    planning = replace(job, plan=name or backend.new_token(SIBLING_BYTES).hex())
    try:
        draft = _plan(backend, planning, budget, is_begun=bool(name))
    except (StorageFullError, TransientError):
        raise
    except DicomorphError as error:
        return _refuse(backend, job, error), ""
    if not draft.is_complete:
        return job, planning.plan

    def take(newest: Job) -> Job:
        return planned(newest, job.execution, planning.plan, draft.sizes, instead_of=job.plan)

    return change_job(backend, job.id, take), ""


def _refuse(backend: Backend, job: Job, error: DicomorphError) -> Job:
    """Let a job fail, unless another planner was faster, and more lucky."""
    moment = timestamp(backend.now())
    return change_job(
        backend,
        job.id,
        lambda newest: (
            failed(newest, moment, code=error.code, details=error.details)
            if is_running(newest, job.execution) and newest.plan == job.plan
            else newest
        ),
    )


def _plan(backend: Backend, job: Job, budget: Budget, *, is_begun: bool) -> Draft:
    """Write the documents of a plan, as far as the budget reaches; return what is written.

    Raises
    ------
    CanceledJobError
        If the job was stopped meanwhile.
    """
    request = job_request(backend, job.id)
    draft = read_draft(backend.objects.get(draft_key(job))) if is_begun else None
    if draft is None:
        draft = _cut(backend, job, request)
    if not is_running(get_job(backend, job.id), job.execution):
        raise CanceledJobError
    _write(backend, job, draft, budget)
    if not draft.is_complete:
        backend.objects.put(draft_key(job), encode_draft(draft))
        return draft
    manifest = encode_manifest(job.id, draft.sizes, draft.weights)
    written = [backend.objects.put(manifest_key(job), manifest)]
    written += write_moved_sources(backend, job, request, _PinnedBatches(backend, draft.chunks))
    if must_last(backend, job):
        backend.objects.sync(written)
    return draft


def _cut(backend: Backend, job: Job, request: JobRequest) -> Draft:
    """Cut the sources of a job; refuse it where its products would be in each other's way."""
    patients: set[str] = set()
    found = _sources(job, _pins(backend, job, request), patients)
    # What is split off twice becomes two copies (spec 4.1); all else is taken once.
    sources = list(found) if job.type is JobType.SPLIT_STUDY else distinct_sources(found)
    chunks = plan_batches(sources, backend.planner_limits)
    check_products(backend, job, request, _PinnedBatches(backend, chunks), patients)
    return Draft(chunks)


def _sources(job: Job, pins: Iterable[Pin], patients: set[str]) -> Iterator[Source]:
    """Yield what a plan needs to know of its sources; add their patients."""
    for pin in pins:
        patients.add(pin.ancestry.patient)
        yield pin.ancestry.instance, planned_size(pin.object.size, transcodes=job.transcodes)


class _PinnedBatches:
    """The batches of a job, whose sources are pinned when they are gone through, some batches at a time."""

    def __init__(self, backend: Backend, chunks: Sequence[Sequence[str]]) -> None:
        self._backend = backend
        self._chunks = chunks

    def __iter__(self) -> Iterator[Batch]:
        return number_batches(pinned(self._backend, self._chunks))


def pinned(backend: Backend, chunks: Iterable[Sequence[str]]) -> Iterator[list[Pin]]:
    """Yield the instances at their present versions; what was deleted meanwhile is left out."""

    def pins(instances: Sequence[str]) -> list[Pin]:
        held = {pin.ancestry.instance: pin for pin in backend.index.catalogue.pins_of(instances)}
        return [held[instance] for instance in instances if instance in held]

    return backend.side_by_side(pins, chunks)


def _write(backend: Backend, job: Job, draft: Draft, budget: Budget) -> None:
    """Write the batches that are missing, until the budget is spent."""
    first = draft.done

    def chunks() -> Iterator[Sequence[str]]:
        for chunk in draft.chunks[first:]:
            if draft.done > first and budget.is_spent:
                return
            draft.done += 1
            yield chunk

    def put(batch: Batch) -> tuple[ObjectRef, Batch]:
        return backend.objects.put(batch_key(job, batch.number), encode_batch(batch)), batch

    before = (instance for chunk in draft.chunks[:first] for instance in chunk)
    batches = number_batches(pinned(backend, chunks()), first=len(draft.sizes), before=before)
    refs = []
    for ref, batch in backend.side_by_side(put, _until_stopped(batches, JobWatch(backend, job))):
        refs.append(ref)
        draft.sizes.append(len(batch.pins))
        size = sum(pin.object.size for pin in batch.pins)
        draft.weights.append(planned_size(size, transcodes=job.transcodes))
    if must_last(backend, job):
        backend.objects.sync(refs)


def _until_stopped(batches: Iterable[Batch], watch: JobWatch) -> Iterator[Batch]:
    for batch in batches:
        if watch.is_stopped():
            raise CanceledJobError
        yield batch


def _pins(backend: Backend, job: Job, request: JobRequest) -> Iterator[Pin]:
    for start in range(0, len(request.sources), _AT_ONCE):
        named = request.sources[start : start + _AT_ONCE]
        levels = {resource.id: resource.level for resource in backend.index.catalogue.find_many(named)}
        for resource_id in named:
            if resource_id in levels:
                yield from backend.index.catalogue.pins(levels[resource_id], resource_id)
            elif not job.permissive:
                raise UnknownResourceError("A resource vanished before the job began")
