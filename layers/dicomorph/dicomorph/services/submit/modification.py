"""Accepting a modification or anonymization of series, studies or patients, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dicomorph.deid.requests.modification import Modification, parse_modification
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from dicomorph.jobs.contents import NamedResource, modification_content, source_listing
from dicomorph.jobs.model import Job, JobType
from dicomorph.model.errors import BadFileFormatError, BadRequestError, UnknownResourceError
from dicomorph.model.json_fields import read_boolean
from dicomorph.model.resources import Json, Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.backend import Backend
from dicomorph.services.fields import check_field_names, identifiers, json_object, read_level
from dicomorph.services.server.allow_lists import allow_lists_of
from dicomorph.services.server.anonymized_names import next_anonymized_name
from dicomorph.services.submit.job_options import read_job_options
from dicomorph.services.submit.patient_consistency import check_patients
from dicomorph.services.submit.start_job import Caller, new_job, start_job
from dicomorph.services.transcoding import check_sop_instance_uid, requested_transcoding

_UIDS = frozenset({STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request whose fields are read, in the order of spec 2.4."""

    body: dict[str, Json]
    modification: Modification
    keep_source: bool


def submit_modification(
    backend: Backend,
    body: Json,
    *,
    level: Level,
    resource_id: str,
    is_anonymization: bool,
    caller: Caller,
) -> Job:
    """Check a request for one resource, write down all that is decided once, and start the job.

    Parameters
    ----------
    body : Json
        The decoded body of the request.
    level : Level
        The level of the route. The resource may be of another one (spec 2.4).

    Returns
    -------
    Job
        Pending, or further already.

    Raises
    ------
    DicomorphError
        The errors of spec 2.4, in its order; nothing is stored then.
    """
    request = _read(backend, body, level=level, is_anonymization=is_anonymization)
    transcode = _transcode(backend, request)
    sources = _find(backend, (resource_id,))
    return _submit(backend, request, sources, level=level, is_bulk=False, caller=caller, transcode=transcode)


def submit_bulk_modification(backend: Backend, body: Json, *, is_anonymization: bool, caller: Caller) -> Job:
    """Do the same for the resources that the body names; their levels may differ.

    The level of a modification is the field ``Level``, or follows from ``Replace`` (spec 3.1).
    """
    fields = json_object(body)
    level = None if is_anonymization else read_level(fields)
    request = _read(backend, fields, level=level, is_anonymization=is_anonymization)
    resource_ids = identifiers(fields, "Resources")
    transcode = _transcode(backend, request)
    sources = _find(backend, resource_ids)
    level = request.modification.level
    return _submit(backend, request, sources, level=level, is_bulk=True, caller=caller, transcode=transcode)


def _read(backend: Backend, body: Json, *, level: Level | None, is_anonymization: bool) -> _Request:
    fields = json_object(body)
    check_field_names(fields)
    read_boolean(fields, "KeepLabels", default=False)
    modification = parse_modification(
        fields,
        is_anonymization=is_anonymization,
        level=level,
        settings=backend.settings,
        allow_lists=allow_lists_of(backend),
    )
    keep_source = read_boolean(fields, "KeepSource", default=True)
    return _Request(body=fields, modification=modification, keep_source=keep_source)


def _submit(  # noqa: PLR0913 - what the two routes know
    backend: Backend,
    request: _Request,
    sources: Sequence[NamedResource],
    *,
    level: Level,
    is_bulk: bool,
    caller: Caller,
    transcode: str,
) -> Job:
    modification = request.modification
    _check_in_place(request, overwrite=backend.settings.overwrite_instances)
    _check_patient_id(backend, modification)
    if not modification.is_anonymization:
        check_patients(backend, modification, [source.id for source in sources])
    options = read_job_options(request.body)
    target = _target(backend, request)
    job = new_job(
        backend,
        options,
        kind=JobType.RESOURCE_MODIFICATION,
        level=level,
        keep_source=request.keep_source,
    )
    listing = source_listing(sources)
    job = replace(
        job,
        is_bulk=is_bulk,
        target=target,
        transcodes=bool(transcode) or (job.transcodes and not target),
        is_anonymization=modification.is_anonymization,
        follows_references=job.follows_references and not modification.is_anonymization,
        name=next_anonymized_name(backend) if modification.needs_name else "",
        content=modification_content(
            {**({} if is_bulk else listing), **({"Target": target} if target else {})},
            is_anonymization=modification.is_anonymization,
            transcode=transcode,
        ),
    )
    return start_job(
        backend,
        job,
        body=request.body,
        sources=[source.id for source in sources],
        caller=caller,
        listing=listing if is_bulk else None,
        allow_list=modification.choice.allow_list,
    )


def _transcode(backend: Backend, request: _Request) -> str:
    """Return the transfer syntax that products are converted into; empty if there is none.

    Raises
    ------
    BadRequestError
        If a lossy image would have the SOPInstanceUID of another one.
    """
    transcoding = requested_transcoding(request.body, backend.settings)
    if transcoding is None:
        return ""
    check_sop_instance_uid(transcoding, request.modification)
    return transcoding.transfer_syntax


def _target(backend: Backend, request: _Request) -> str:
    """Return the name of the target that products go to, empty for the store."""
    target = request.body.get("Target", "")
    if not isinstance(target, str):
        raise BadFileFormatError("'Target' must be a string")
    if target and target not in backend.settings.targets:
        raise BadRequestError("'Target' is none of those that are configured")
    if target and not request.keep_source:  # what is not in the store is not known to be safe
        raise BadRequestError("KeepSource must be true where the products leave the store")
    return target


def _find(backend: Backend, resource_ids: Sequence[str]) -> list[NamedResource]:
    wanted = set(resource_ids)
    found = [
        NamedResource(resource.level, resource.id)
        for resource in backend.index.catalogue.find_many(sorted(wanted))
    ]
    if len(found) < len(wanted):
        raise UnknownResourceError
    return sorted(found, key=lambda source: source.id)  # as Orthanc lists them


def _check_in_place(request: _Request, *, overwrite: OverwriteInstances) -> None:
    """Refuse what would edit instances in place and lose them (spec 3.10, gotchas G23 and G24)."""
    modification = request.modification
    staying = modification.kept_tags | modification.retained_uids
    if not staying >= _UIDS or PATIENT_ID in modification.replaced_tags:
        return
    if not modification.kept_tags >= _UIDS and PATIENT_ID not in modification.kept_tags:
        return  # of another patient, whatever an option retains
    if not request.keep_source:  # at every level: Orthanc would delete the products of a series
        raise BadRequestError("KeepSource must be true where the identifiers are kept")
    if overwrite is OverwriteInstances.NEVER and modification.level in (Level.PATIENT, Level.STUDY):
        raise BadRequestError("Keeping the identifiers requires the setting OverwriteInstances")


def _check_patient_id(backend: Backend, modification: Modification) -> None:
    """Refuse a modified patient that would have the PatientID of the original one, where that is wanted."""
    if (
        backend.settings.require_patient_id
        and not modification.is_anonymization
        and modification.level is Level.PATIENT
        and PATIENT_ID not in modification.replaced_tags.keys() | modification.kept_tags
    ):
        raise BadRequestError("The modification of a patient has to name a new PatientID")
