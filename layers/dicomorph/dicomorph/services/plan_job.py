"""The first task of a job's workflow: from resources to batches of pinned instances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dicomorph.jobs.documents import (
    JobRequest,
    batch_key,
    batch_sizes,
    encode_batch,
    encode_manifest,
    manifest_key,
)
from dicomorph.jobs.model import Job, JobState, JobType
from dicomorph.jobs.planning import distinct_sources, plan_batches
from dicomorph.model.errors import DicomorphError, TransientError, UnknownResourceError
from dicomorph.model.resources import Pin
from dicomorph.services.backend import Backend
from dicomorph.services.job_records import change_job, fail_job, job_request, timestamp
from dicomorph.services.product_ids import check_products


def plan_job(backend: Backend, job_id: str) -> int:
    """Cut the sources of a job into batches and return how many there are.

    A repeated call finds the manifest and answers the same. A plan that fails for good ends
    the job; there is nothing to edit then.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    InexistentItemError
        If there is no such job.
    """
    started = timestamp(backend.now())
    job = change_job(
        backend,
        job_id,
        lambda job: replace(job, state=JobState.RUNNING, started=job.started or started),
    )
    if job.state.is_final:
        return 0
    try:
        manifest = backend.objects.get(manifest_key(job_id))
        return len(batch_sizes(manifest)) if manifest is not None else _plan(backend, job)
    except TransientError:
        raise
    except DicomorphError as error:
        fail_job(backend, job_id, code=error.code, details=error.details)
        return 0


def _plan(backend: Backend, job: Job) -> int:
    request = job_request(backend, job.id)
    pins = _pins(backend, job, request)
    # What is split off twice becomes two copies (spec 4.1); all else is taken once.
    sources = list(pins) if job.type is JobType.SPLIT_STUDY else distinct_sources(pins)
    batches = plan_batches(sources, backend.planner_limits)
    check_products(backend, job, request, batches)
    for batch in batches:
        backend.objects.put(batch_key(job.id, batch.number), encode_batch(batch))
    count = sum(len(batch.pins) for batch in batches)
    change_job(
        backend,
        job.id,
        lambda job: replace(job, batches=len(batches), content={**job.content, "InstancesCount": count}),
    )
    backend.objects.put(manifest_key(job.id), encode_manifest(job.id, batches))
    return len(batches)


def _pins(backend: Backend, job: Job, request: JobRequest) -> Iterator[Pin]:
    for resource_id in request.sources:
        resource = backend.index.find(resource_id)
        if resource is not None:
            yield from backend.index.pins(resource.level, resource_id)
        elif not job.permissive:
            raise UnknownResourceError("A resource vanished before the job began")
