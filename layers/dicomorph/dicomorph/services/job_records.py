"""Changing the record of a job, whoever else changes it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from dicomorph.jobs.documents import (
    JobRequest,
    decode_listing,
    decode_request,
    job_prefix,
    listing_key,
    request_key,
)
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import ConflictError, InexistentItemError, InternalError
from dicomorph.model.resources import Json, ObjectRef
from dicomorph.services.backend import Backend


def get_job(backend: Backend, job_id: str) -> Job:
    """Return a record.

    Raises
    ------
    InexistentItemError
        If there is none.
    """
    job = backend.jobs.get(job_id)
    if job is None:
        raise InexistentItemError("No such job")
    return job


def job_request(backend: Backend, job_id: str) -> JobRequest:
    """Return what was asked for.

    Raises
    ------
    InternalError
        If the document is gone.
    """
    document = backend.objects.get(request_key(job_id))
    if document is None:
        raise InternalError("The request of the job is gone")
    return decode_request(document)


def job_content(backend: Backend, job: Job) -> dict[str, Json]:
    """Return the whole content of a job, with what it lists."""
    content = dict(job.content)
    if job.has_listing:
        content.update(read_listing(backend, job))
    return content


def read_listing(backend: Backend, job: Job) -> dict[str, list[Json]]:
    """Return what the content of a bulk job lists."""
    document = backend.objects.get(listing_key(job.id))
    return decode_listing(document) if document is not None else {}


def change_job(backend: Backend, job_id: str, change: Callable[[Job], Job]) -> Job:
    """Change a record that is not final yet, and return it as it then is.

    Parameters
    ----------
    change : Callable[[Job], Job]
        Called with the newest record, again if somebody else was faster.

    Raises
    ------
    InexistentItemError
        If there is no such job.
    """
    while True:
        job = get_job(backend, job_id)
        if job.state.is_final:
            return job
        changed = change(job)
        if changed == job:
            return job
        try:
            return backend.jobs.update(changed)
        except ConflictError:
            continue


def fail_job(backend: Backend, job_id: str, *, code: int, details: str = "") -> Job:
    """Report a job as failed, unless it has ended already."""
    completed = timestamp(backend.now())
    return change_job(
        backend,
        job_id,
        lambda job: replace(
            job, state=JobState.FAILURE, completed=completed, error_code=code, error_details=details
        ),
    )


def timestamp(moment: datetime) -> str:
    """Return a time as records hold it: UTC, ISO 8601, with microseconds."""
    return moment.isoformat(timespec="microseconds")


def forget_documents(backend: Backend, job_id: str) -> None:
    """Delete all documents of a job; the request may hold values of attributes."""
    keys = list(backend.objects.keys(job_prefix(job_id)))
    backend.objects.discard([ObjectRef(key, "", 0) for key in keys], pinned=False)
