"""A job that never ran, a request for one, actions, and what a job says of its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dicomorph.jobs.model import Job, JobState, JobType
from dicomorph.model.resources import Level

JOB = Job(
    id="4f1c0d9e-0000-4000-8000-000000000000",
    type=JobType.RESOURCE_MODIFICATION,
    is_anonymization=True,
    level=Level.STUDY,
    key=b"\x01" * 32,
    created="2026-01-02T03:04:05.000000+00:00",
)
IN_PLACE = {"Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"], "Force": True}
Action = Callable[[Any, str], None]
"""What a caller may do to a job, with the backend and the id of the job."""


def outcome(job: Job) -> tuple[JobState, int]:
    """Return how a job ended, and its error code."""
    return job.state, job.error_code


def counts(job: Job) -> tuple[object, object]:
    """Return how many instances a job was for, and how many of them failed."""
    return job.content["InstancesCount"], job.content["FailedInstancesCount"]
