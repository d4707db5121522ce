"""Jobs as Orthanc shows them (spec 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from dicomorph.jobs.concurrency import goes_before
from dicomorph.jobs.contents import left_content
from dicomorph.jobs.documents import (
    manifest_key,
    numbers_in,
    outcomes_prefix,
    parts_prefix,
    read_manifest,
    read_user_data,
    user_data_key,
)
from dicomorph.jobs.lifecycle import runtime
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.metadata_names import metadata_time
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.resources import Json, JsonStream
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.left_products import unlisted_products
from dicomorph.services.jobs.records import as_it_stands, job_content, timestamp

_COMPLETE = 100
_LOOKED_AT = 10  # jobs; each costs a call of AWS, and somebody waits


def job_json(backend: Backend, job: Job, *, is_alone: bool = False) -> dict[str, JsonStream]:
    """Return the JSON of ``GET /jobs/{id}`` for a job that was just read.

    Parameters
    ----------
    is_alone : bool
        Whether the products are looked for that a job has left which was cancelled; for each in a
        list of jobs, that would take too long.
    """
    job = as_it_stands(backend, job)
    if is_alone and job.state is JobState.PENDING:
        _look_at_those_before(backend, job)
    content = job_content(backend, job)
    if is_alone:
        content |= left_content([*unlisted_products(backend, job)])
    now = backend.now()
    seconds = runtime(job, timestamp(now))
    progress = _progress(backend, job)
    view: dict[str, JsonStream] = {
        "Content": content,
        "CreationTime": _orthanc_time(datetime.fromisoformat(job.created)),
        "EffectiveRuntime": round(seconds, 3),
        "ErrorCode": job.error_code,
        "ErrorDescription": describe_code(job.error_code)[0],
        "ErrorDetails": job.error_details,
        "ID": job.id,
        "Priority": job.priority,
        "Progress": progress,
        "State": job.state.value,
        "Timestamp": _orthanc_time(now),
        "Type": job.type.value,
    }
    if job.state.is_final and job.completed:
        view["CompletionTime"] = _orthanc_time(datetime.fromisoformat(job.completed))
    if job.state is JobState.RUNNING and progress > 1:
        left = timedelta(seconds=seconds * (_COMPLETE - progress) / progress)
        view["EstimatedTimeOfArrival"] = _orthanc_time(now + left)
    user_data = _user_data(backend, job)
    if user_data is not None:
        view["UserData"] = user_data
    return view


def _user_data(backend: Backend, job: Job) -> Json:
    """Return the caller's own data; None if there are none, or not yet, amid the submission."""
    if job.has_user_data:
        return read_user_data(backend.objects.get(user_data_key(job)))
    return job.user_data


def _look_at_those_before(backend: Backend, job: Job) -> None:
    """Find out whether those jobs go on for which one waits: what nothing runs holds no place.

    Nor does one that never began, whose submission was cut short before there was an execution.
    """
    before = [other for other in backend.jobs.all() if other.id != job.id and goes_before(other, job)]
    for other in before[:_LOOKED_AT]:  # the oldest ones
        as_it_stands(backend, other)


def _progress(backend: Backend, job: Job) -> int:
    """Return per cent: instances, the finalization as one more, the deletion of sources as another."""
    if job.state is JobState.SUCCESS:
        return _COMPLETE
    sizes = read_manifest(backend.objects.get(manifest_key(job)), job) if job.plan else None
    if not sizes:
        return 0
    steps = sum(sizes) + (1 if job.keep_source else 2)
    return _instances_done(backend, job, sizes) * _COMPLETE // steps


def _instances_done(backend: Backend, job: Job, sizes: list[int]) -> int:
    """Count the instances of this attempt that have an outcome."""
    batches = {numbers_in(key)[0] for key in backend.objects.keys(outcomes_prefix(job))}
    parts = [numbers_in(key)[0] for key in backend.objects.keys(parts_prefix(job))]
    return sum(sizes[number] for number in batches) + sum(number not in batches for number in parts)


def _orthanc_time(moment: datetime) -> str:
    """Return a time in Orthanc's form: the fraction is left out when it is zero."""
    text = metadata_time(moment)
    return f"{text}.{moment.microsecond:06}" if moment.microsecond else text
