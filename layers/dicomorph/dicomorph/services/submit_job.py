"""Accepting a modification of series, studies or patients, and starting its job."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from dicomorph.deid.requests import (
    PATIENT_ID,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    Modification,
    parse_modification,
)
from dicomorph.jobs.documents import JobRequest, encode_request, request_key
from dicomorph.jobs.model import Job, JobType
from dicomorph.jobs.summary import Target, initial_content
from dicomorph.model.errors import (
    BadFileFormatError,
    BadRequestError,
    DicomorphError,
    UnknownResourceError,
)
from dicomorph.model.resources import Json, Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.anonymized_names import next_anonymized_name
from dicomorph.services.backend import Backend
from dicomorph.services.default_encoding import default_encoding
from dicomorph.services.job_options import check_transcode, read_boolean, read_job_options
from dicomorph.services.job_records import forget_documents, timestamp

_KEY_BYTES = 32
_UIDS = frozenset({STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks; it becomes metadata of the products (spec 1.4)."""

    remote_ip: str = ""
    username: str = ""


def submit_job(
    backend: Backend,
    body: Json,
    *,
    level: Level,
    resource_ids: Sequence[str],
    is_anonymization: bool,
    caller: Caller,
) -> Job:
    """Check a request, write down all that is decided once, and start the job.

    Parameters
    ----------
    body : Json
        The decoded body of the request.
    level : Level
        The level of the route. The resources may be of another one (spec 2.4).
    resource_ids : Sequence[str]
        The Orthanc ids of the sources.

    Returns
    -------
    Job
        Pending, or further already.

    Raises
    ------
    DicomorphError
        The errors of spec 2.4, in its order; nothing is stored then.
    """
    if not isinstance(body, dict):
        raise BadFileFormatError("The body of the request must be a JSON object")
    read_boolean(body, "KeepLabels", default=False)
    modification = parse_modification(
        body, is_anonymization=is_anonymization, level=level, settings=backend.settings
    )
    keep_source = read_boolean(body, "KeepSource", default=True)
    check_transcode(body)
    targets = [_find(backend, resource_id) for resource_id in resource_ids]
    _check_in_place(modification, keep_source=keep_source, overwrite=backend.settings.overwrite_instances)
    options = read_job_options(body)
    job = Job(
        id=str(uuid.UUID(bytes=backend.new_token(16), version=4)),
        type=JobType.RESOURCE_MODIFICATION,
        is_anonymization=is_anonymization,
        level=level,
        resources=tuple(resource_ids),
        key=backend.new_token(_KEY_BYTES),
        created=timestamp(backend.now()),
        name=next_anonymized_name(backend) if modification.needs_name else "",
        default_encoding=default_encoding(backend),
        keep_source=keep_source,
        permissive=options.permissive,
        priority=options.priority,
        user_data=options.user_data,
        content=initial_content(targets, is_anonymization=is_anonymization),
    )
    _start(backend, job, JobRequest(body=body, remote_ip=caller.remote_ip, username=caller.username))
    return job


def _find(backend: Backend, resource_id: str) -> Target:
    resource = backend.index.find(resource_id)
    if resource is None:
        raise UnknownResourceError
    return Target(resource.level, resource.id)


def _check_in_place(modification: Modification, *, keep_source: bool, overwrite: OverwriteInstances) -> None:
    """Refuse what would edit instances in place and lose them (spec 3.10, gotchas G23 and G24)."""
    if not modification.kept_tags >= _UIDS or PATIENT_ID in modification.replaced_tags:
        return
    if not keep_source:  # at every level: Orthanc would delete the products of a series
        raise BadRequestError("KeepSource must be true where the identifiers are kept")
    if overwrite is OverwriteInstances.NEVER and modification.level in (Level.PATIENT, Level.STUDY):
        raise BadRequestError("Keeping the identifiers requires the setting OverwriteInstances")


def _start(backend: Backend, job: Job, request: JobRequest) -> None:
    backend.objects.put(request_key(job.id), encode_request(request))
    backend.jobs.create(job)
    try:
        backend.runner.start(job.id)
    except DicomorphError:
        backend.jobs.delete(job.id)
        forget_documents(backend, job.id)
        raise
