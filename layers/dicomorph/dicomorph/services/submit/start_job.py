"""Writing down a job that was accepted, and starting it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dicomorph.deid.compilation import SOFTWARE
from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.default_edition import edition_of
from dicomorph.jobs.documents import (
    JobRequest,
    encode_request,
    encode_user_data,
    request_key,
    user_data_key,
)
from dicomorph.jobs.lifecycle import withdrawn
from dicomorph.jobs.model import Job, JobType
from dicomorph.jobs.shaping_settings import shaping_of
from dicomorph.model.errors import (
    DicomorphError,
    InexistentItemError,
)
from dicomorph.model.object_keys import KEY_BYTES, TOKEN_BYTES
from dicomorph.model.resources import Json, Level
from dicomorph.model.settings import ModifiedReferences
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.listings import write_listing
from dicomorph.services.jobs.records import forget_job, timestamp
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.submit.job_options import JobOptions
from dicomorph.services.work.durability import must_last


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Parameters
    ----------
    remote_ip, username : str
        They become metadata of the products (spec 1.4).
    principal : str
        The identity that the gateway has verified; it stands in the record of the job.
    """

    remote_ip: str = ""
    username: str = ""
    principal: str = ""


def new_job(backend: Backend, options: JobOptions, *, kind: JobType, level: Level, keep_source: bool) -> Job:
    """Return the record of a job, with an id and a secret of its own; nothing is stored yet."""
    return Job(
        id=str(uuid.UUID(bytes=backend.new_token(TOKEN_BYTES), version=4)),
        type=kind,
        is_anonymization=False,
        level=level,
        key=backend.new_token(KEY_BYTES),
        created=timestamp(backend.now()),
        default_encoding=default_encoding(backend),
        keep_source=keep_source,
        follows_references=backend.settings.modified_references is ModifiedReferences.FOLLOW,
        transcodes=bool(backend.settings.ingest_transcoding),
        permissive=options.permissive,
        priority=options.priority,
        has_user_data=options.user_data is not None,
    )


def start_job(  # noqa: PLR0913 - all that a job consists of
    backend: Backend,
    job: Job,
    *,
    body: Mapping[str, Json],
    sources: Sequence[str],
    caller: Caller,
    changes: Mapping[str, Json] | None = None,
    listing: Mapping[str, Iterable[Json]] | None = None,
    allow_list: AllowList | None = None,
) -> Job:
    """Store a job and start it.

    Parameters
    ----------
    listing : Mapping[str, Iterable[Json]], optional
        What the content of the job lists at first, if it is a bulk job.
    allow_list : AllowList, optional
        What the list that the request names holds today: the job keeps to it.

    Raises
    ------
    DicomorphError
        If it cannot be stored or started; nothing of it remains, unless it was started all
        the same and has begun: then it is as any other job.
    """
    settings = backend.settings
    edition = edition_of(settings)  # of this version, not of a later one
    request = JobRequest(
        body={name: value for name, value in body.items() if name != "UserData"},
        sources=tuple(sources),
        changes=changes,
        remote_ip=caller.remote_ip,
        username=caller.username,
        settings=shaping_of(replace(settings, default_dicom_version=edition)),
        software=SOFTWARE,
        allow_lists={} if allow_list is None else {allow_list.name: allow_list.tags},
    )
    job = replace(job, caller=caller.principal or caller.username)
    try:
        # The record first and last: documents, which hold what the request says, are never without one.
        document = encode_request(request)
        backend.jobs.create(job, request=document)
        documents = [backend.objects.put(request_key(job.id), document)]
        if listing is not None:
            documents += write_listing(backend, job, listing)
        if job.has_user_data:
            documents.append(backend.objects.put(user_data_key(job), encode_user_data(body["UserData"])))
        if must_last(backend, job):
            backend.objects.sync(documents)
        backend.runner.start(job)
    except DicomorphError:
        if _withdraw(backend, job):
            raise
    return job


def _withdraw(backend: Backend, job: Job) -> bool:
    """Take a job back that nobody may have started; tell whether it had not begun."""
    moment = timestamp(backend.now())
    try:
        forget_job(backend, job.id, change=lambda newest: withdrawn(newest, moment))
    except InexistentItemError:
        return backend.jobs.get(job.id) is None
    return True
