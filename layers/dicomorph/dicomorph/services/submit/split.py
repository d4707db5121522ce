"""Accepting that a study is split: some of its series or instances become a study of their own (spec 4.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dicomorph.deid.requests.study_changes import read_split_changes
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.jobs.contents import split_content
from dicomorph.jobs.model import Job, JobType
from dicomorph.model.errors import BadRequestError, UnknownResourceError
from dicomorph.model.json_fields import read_boolean
from dicomorph.model.resources import Json, Level
from dicomorph.services.backend import Backend
from dicomorph.services.browse.study_membership import study_of_each
from dicomorph.services.fields import check_field_names, identifiers, json_object, refuse_target
from dicomorph.services.submit.job_options import read_job_options
from dicomorph.services.submit.start_job import Caller, new_job, start_job

_MOST_COPIES = 10  # of all that a series holds: a short request must not fill the disk


def submit_split(backend: Backend, body: Json, *, study_id: str, caller: Caller) -> Job:
    """Check a request, write down what is decided once, and start the job.

    Raises
    ------
    DicomorphError
        The errors of spec 4.1, in its order; nothing is stored then.
    """
    fields = json_object(body)
    check_field_names(fields)
    if backend.index.catalogue.get(Level.STUDY, study_id) is None:
        raise UnknownResourceError
    sources = (*_members(backend, fields, study_id, Level.SERIES), *_members(backend, fields, study_id))
    if not sources:
        raise BadRequestError("Neither 'Series' nor 'Instances' names what is to leave the study")
    keep_source = read_boolean(fields, "KeepSource", default=False)
    read_boolean(fields, "KeepLabels", default=False)
    refuse_target(fields)
    # All fields are checked before anything is drawn or written.
    read_split_changes(fields, study_uid="", settings=backend.settings)
    options = read_job_options(fields)
    job = new_job(backend, options, kind=JobType.SPLIT_STUDY, level=Level.STUDY, keep_source=keep_source)
    study_uid = IdentityMapper(job.key).uid(Namespace.STUDY, "the study that a job splits off")
    changes = read_split_changes(fields, study_uid=study_uid, settings=backend.settings)
    return start_job(
        backend,
        replace(job, content=split_content(study_uid)),
        body=fields,
        sources=sources,
        caller=caller,
        changes=changes.to_json(),
    )


def _members(
    backend: Backend, body: Mapping[str, Json], study_id: str, level: Level = Level.INSTANCE
) -> Sequence[str]:
    """Return the series or instances of the study that the body names, repetitions included."""
    field = level.plural
    if field not in body:
        return ()
    found = identifiers(body, field)
    studies = study_of_each(backend, backend.index.catalogue.get_many(level, sorted(set(found))))
    if any(studies.get(resource_id) != study_id for resource_id in found):
        raise UnknownResourceError
    if any(times > _MOST_COPIES for times in Counter(found).values()):
        raise BadRequestError(f"'{field}' names the same resource more than {_MOST_COPIES} times")
    return found
