"""Changing the record of a job, whoever else changes it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dicomorph.jobs import documents
from dicomorph.jobs.contents import with_listing
from dicomorph.jobs.documents import JobRequest, request_key
from dicomorph.jobs.lifecycle import failed, forgotten
from dicomorph.jobs.model import Job
from dicomorph.model.errors import (
    ConflictError,
    InexistentItemError,
    InternalError,
    StorageFullError,
    TransientError,
)
from dicomorph.model.object_keys import job_prefix
from dicomorph.model.resources import JsonStream, ObjectRef
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.listings import read_listing

_NO_SUCH_JOB = "No such job"


def get_job(backend: Backend, job_id: str) -> Job:
    """Return a record.

    Raises
    ------
    InexistentItemError
        If there is none, or it is being deleted.
    """
    job = _read(backend, job_id)
    if job.is_forgotten:
        raise InexistentItemError(_NO_SUCH_JOB)
    return job


def job_request(backend: Backend, job_id: str) -> JobRequest:
    """Return what was asked for.

    Raises
    ------
    InternalError
        If the document is gone, and the record does not hold it.
    """
    request = documents.read_request(backend.objects.get(request_key(job_id)))
    if request is None:
        request = documents.read_request(backend.jobs.request(job_id))
    if request is None:
        raise InternalError("The request of the job is gone")
    return request


def job_content(backend: Backend, job: Job) -> dict[str, JsonStream]:
    """Return the whole content of a job, with what it lists: of long lists, a piece is in memory."""
    return with_listing(job.content, read_listing(backend, job) if job.has_listing else {})


def change_job(backend: Backend, job_id: str, change: Callable[[Job], Job]) -> Job:
    """Change a record, and return it as it then is.

    Parameters
    ----------
    change : Callable[[Job], Job]
        Called with the newest record, again if somebody else was faster (`jobs.lifecycle`).

    Raises
    ------
    InexistentItemError
        If there is no such job.
    """
    while True:
        job = _read(backend, job_id)
        changed = change(job)
        if changed == job:
            return job
        try:
            return backend.jobs.update(changed)
        except ConflictError:
            continue


def as_it_stands(backend: Backend, job: Job) -> Job:
    """Return a job that was just read; failed, with the reason, if nothing runs it any more.

    That is written down as well, unless the store refuses: then it is found again next time.
    """
    loss = backend.runner.loss(job) if job.state.is_active else None
    if loss is None:
        return job
    try:
        return fail_job(backend, job.id, execution=job.execution, code=loss.code, details=loss.details)
    except (StorageFullError, TransientError):
        return failed(job, timestamp(backend.now()), code=loss.code, details=loss.details)


def fail_job(backend: Backend, job_id: str, *, execution: int, code: int, details: str = "") -> Job:
    """Report a job as failed, unless this execution of it is over."""
    moment = timestamp(backend.now())
    return change_job(
        backend,
        job_id,
        lambda job: (
            failed(job, moment, code=code, details=details)
            if job.execution == execution and job.state.is_active
            else job
        ),
    )


def timestamp(moment: datetime) -> str:
    """Return a time as records hold it: UTC, ISO 8601, with microseconds."""
    return moment.isoformat(timespec="microseconds")


def forget_job(backend: Backend, job_id: str, *, change: Callable[[Job], Job] = forgotten) -> None:
    """Delete a job that has ended, with its documents.

    The record says so first: of this and of a client who submits the job again, one is faster.
    It goes last: as long as it is there, the call can be repeated.

    Parameters
    ----------
    change : Callable[[Job], Job]
        What lets the job be deleted, if it is in a state for that.

    Raises
    ------
    InexistentItemError
        If there is no such job, or it is in another state.
    """
    if not change_job(backend, job_id, change).is_forgotten:
        raise InexistentItemError("The job has not ended")
    _forget_documents(backend, job_id)
    backend.jobs.delete(job_id)
    # What a task has written that had looked at the record just before.
    _forget_documents(backend, job_id)


def _read(backend: Backend, job_id: str) -> Job:
    job = backend.jobs.get(job_id)
    if job is None:
        raise InexistentItemError(_NO_SUCH_JOB)
    return job


def _forget_documents(backend: Backend, job_id: str) -> None:
    """Delete all documents of a job; the request may hold values of attributes."""
    keys = list(backend.objects.keys(job_prefix(job_id)))
    backend.objects.discard([ObjectRef(key, "", 0) for key in keys], pinned=False)
