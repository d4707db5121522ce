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
from dicomorph.jobs.lifecycle import begun, failed, is_running, planned
from dicomorph.jobs.model import Batch, Job, JobType
from dicomorph.jobs.planning import Source, distinct_sources, number_batches, plan_batches
from dicomorph.model.errors import (
    CanceledJobError,
    DicomorphError,
    StorageFullError,
    TransientError,
    UnknownResourceError,
)
from dicomorph.model.object_keys import SIBLING_BYTES
from dicomorph.model.resources import Pin
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import work_off
from dicomorph.services.jobs.records import change_job, get_job, job_request, timestamp
from dicomorph.services.work.durability import must_last
from dicomorph.services.work.job_watch import JobWatch
from dicomorph.services.work.moved_sources import has_moved_sources
from dicomorph.services.work.pack_sources import write_moved_sources
from dicomorph.services.work.product_ids import check_products

_AT_ONCE = 1_000  # sources that are looked up together


def plan_job(backend: Backend, job_id: str, execution: int = 1) -> int:
    """Cut the sources of a job into batches and return how many there are.

    Each call that finds no plan makes one of its own, with documents that no other call writes,
    and the record takes the first that is complete: of planners that run at once, or one of
    which was stopped amid its work, nothing is ever mixed. A repeated call answers the same, and
    so does a later execution: a job that is taken up again works on the sources that were pinned
    first. A plan that fails for good ends the job; there is nothing to edit then.

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
    moment = timestamp(backend.now())
    job = change_job(backend, job_id, lambda job: begun(job, execution, moment))
    if is_running(job, execution) and not _has_plan(backend, job):
        job = _planned(backend, job)
        with suppress(DicomorphError):  # what was deleted meanwhile, and is in no plan
            work_off(backend)
    return job.batches if is_running(job, execution) else 0


def plan_of(backend: Backend, job_id: str) -> str:
    """Return the name of a job's plan, by which the workflow finds the items of its map."""
    return get_job(backend, job_id).plan


def _has_plan(backend: Backend, job: Job) -> bool:
    """Tell whether a plan was made and all of it is there.

    A power cut may have taken documents that nobody waited for (embedded, `must_last`).
    """
    sizes = read_manifest(backend.objects.get(manifest_key(job)), job) if job.plan else None
    return (
        sizes is not None
        and has_moved_sources(backend, job)
        and all(
            read_batch(backend.objects.get(batch_key(job, number)), number) is not None
            for number in range(len(sizes))
        )
    )


def _planned(backend: Backend, job: Job) -> Job:
    """Return the record with a plan, or failed because there can be none."""
    draft = replace(job, plan=backend.new_token(SIBLING_BYTES).hex())
    try:
        sizes = _plan(backend, draft)
    except (StorageFullError, TransientError):
        raise
    except DicomorphError as error:
        return _refuse(backend, job, error)
    return change_job(
        backend,
        job.id,
        lambda newest: planned(newest, job.execution, draft.plan, sizes, instead_of=job.plan),
    )


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


def _plan(backend: Backend, job: Job) -> list[int]:
    """Write the documents of a plan; return how many instances each batch has.

    Raises
    ------
    CanceledJobError
        If the job was stopped meanwhile.
    """
    request = job_request(backend, job.id)
    patients: set[str] = set()
    found = _sources(_pins(backend, job, request), patients)
    # What is split off twice becomes two copies (spec 4.1); all else is taken once.
    sources = list(found) if job.type is JobType.SPLIT_STUDY else distinct_sources(found)
    batches = _PinnedBatches(backend, plan_batches(sources, backend.planner_limits))
    check_products(backend, job, request, batches, patients)
    if not is_running(get_job(backend, job.id), job.execution):
        raise CanceledJobError
    sizes = _write(backend, job, batches)
    written = [backend.objects.put(manifest_key(job), encode_manifest(job.id, sizes))]
    written += write_moved_sources(backend, job, request, batches)
    if must_last(backend, job):
        backend.objects.sync(written)
    return sizes


def _sources(pins: Iterable[Pin], patients: set[str]) -> Iterator[Source]:
    """Yield what a plan needs to know of its sources; add their patients."""
    for pin in pins:
        patients.add(pin.ancestry.patient)
        yield pin.ancestry.instance, pin.object.size


class _PinnedBatches:
    """The batches of a job, whose sources are pinned when they are gone through, one batch at a time."""

    def __init__(self, backend: Backend, chunks: Sequence[Sequence[str]]) -> None:
        self._catalogue = backend.index.catalogue
        self._chunks = chunks

    def __iter__(self) -> Iterator[Batch]:
        return number_batches(map(self._pinned, self._chunks))

    def _pinned(self, instances: Sequence[str]) -> list[Pin]:
        """Return the instances at their present versions; what was deleted meanwhile is left out."""
        held = {pin.ancestry.instance: pin for pin in self._catalogue.pins_of(instances)}
        return [held[instance] for instance in instances if instance in held]


def _write(backend: Backend, job: Job, batches: Iterable[Batch]) -> list[int]:
    """Write the batches; return how many instances each of them has."""
    refs, sizes = [], []
    watch = JobWatch(backend, job)
    for batch in batches:
        if watch.is_stopped():
            raise CanceledJobError
        refs.append(backend.objects.put(batch_key(job, batch.number), encode_batch(batch)))
        sizes.append(len(batch.pins))
    if must_last(backend, job):
        backend.objects.sync(refs)
    return sizes


def _pins(backend: Backend, job: Job, request: JobRequest) -> Iterator[Pin]:
    for start in range(0, len(request.sources), _AT_ONCE):
        named = request.sources[start : start + _AT_ONCE]
        levels = {resource.id: resource.level for resource in backend.index.catalogue.find_many(named)}
        for resource_id in named:
            if resource_id in levels:
                yield from backend.index.catalogue.pins(levels[resource_id], resource_id)
            elif not job.permissive:
                raise UnknownResourceError("A resource vanished before the job began")
