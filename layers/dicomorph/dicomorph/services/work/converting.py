"""What the products of a job are converted into, after they are edited (spec 3.11)."""

from __future__ import annotations

from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Job
from dicomorph.model.settings import Settings
from dicomorph.services.transcoding import Transcoding, ingest_transcoding, requested_transcoding


def transcoding_of(job: Job, request: JobRequest, settings: Settings) -> Transcoding | None:
    """Return what the products of a job are converted into: what it asks for, else as whatever is stored.

    Parameters
    ----------
    settings : Settings
        Those of the job, as they were at its submission.
    """
    # Whoever splits and merges asks for nothing of the kind: there, Orthanc ignores the field.
    asked = requested_transcoding(request.body, settings) if request.changes is None else None
    if asked is not None or job.target:
        return asked
    return ingest_transcoding(settings)
