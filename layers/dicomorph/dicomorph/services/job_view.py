"""Jobs as Orthanc shows them (spec 5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from dicomorph.jobs.documents import outcomes_prefix
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.job_records import job_content

_COMPLETE = 100


def job_json(backend: Backend, job: Job) -> dict[str, Json]:
    """Return the JSON of ``GET /jobs/{id}``."""
    now = backend.now()
    runtime = _runtime(job, now)
    progress = _progress(backend, job)
    view: dict[str, Json] = {
        "Content": job_content(backend, job),
        "CreationTime": _orthanc_time(datetime.fromisoformat(job.created)),
        "EffectiveRuntime": round(runtime.total_seconds(), 3),
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
        left = runtime * (_COMPLETE - progress) / progress
        view["EstimatedTimeOfArrival"] = _orthanc_time(now + left)
    if job.user_data is not None:
        view["UserData"] = job.user_data
    return view


def _progress(backend: Backend, job: Job) -> int:
    """Return per cent: finished batches, and the finalization as one more step."""
    if job.state is JobState.SUCCESS:
        return _COMPLETE
    if not job.batches:
        return 0
    done = sum(1 for _ in backend.objects.keys(outcomes_prefix(job.id)))
    return done * _COMPLETE // (job.batches + 1)


def _runtime(job: Job, now: datetime) -> timedelta:
    if not job.started:
        return timedelta()
    end = datetime.fromisoformat(job.completed) if job.completed else now
    return max(end - datetime.fromisoformat(job.started), timedelta())


def _orthanc_time(moment: datetime) -> str:
    """Return a time in Orthanc's form: the fraction is left out when it is zero."""
    text = f"{moment:%Y%m%dT%H%M%S}"
    return f"{text}.{moment.microsecond:06}" if moment.microsecond else text
