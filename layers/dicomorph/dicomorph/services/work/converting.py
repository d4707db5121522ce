"""Converting the products of a job into another transfer syntax, after they are edited (spec 3.11)."""

from __future__ import annotations

from dataclasses import dataclass

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.views.description import Description
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Job
from dicomorph.model.errors import TranscodingError
from dicomorph.model.metadata_names import TRANSFER_SYNTAX
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from dicomorph.services.transcoding import (
    Transcoding,
    ingest_transcoding,
    requested_transcoding,
    transcoded,
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of an edited file.

    Parameters
    ----------
    script : EditScript, optional
        What makes the product of it; None leaves it as it is.
    untranscoded : str
        Why it is left though it should be converted, free of values.
    """

    script: EditScript | None = None
    untranscoded: str = ""


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


def convert(edited: Source, description: Description, transcoding: Transcoding | None) -> Conversion:
    """Convert an edited file, as far as that is possible; its SOPInstanceUID is what the edit has made it."""
    held = description.facts[Level.INSTANCE].metadata.get(TRANSFER_SYNTAX)
    if transcoding is None or held == transcoding.transfer_syntax:
        return Conversion()
    uid = description.identifiers.sop_instance_uid
    try:
        return Conversion(transcoded(edited, transcoding, sop_instance_uid=uid))
    except TranscodingError as error:
        return Conversion(untranscoded=error.details)
