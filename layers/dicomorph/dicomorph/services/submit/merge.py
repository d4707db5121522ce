"""Accepting that studies, series or instances move into another study (spec 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dicomorph.deid.requests.study_changes import StudyChanges, merge_changes, study_tags
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.whole_scan import read_values_in_order
from dicomorph.jobs.contents import merge_content
from dicomorph.jobs.model import Job, JobType
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.json_fields import read_boolean
from dicomorph.model.main_dicom_tags import MAIN_DICOM_TAGS
from dicomorph.model.resources import Json, Level
from dicomorph.services.backend import Backend
from dicomorph.services.browse.study_membership import study_of_each
from dicomorph.services.damage import opened
from dicomorph.services.fields import check_field_names, identifiers, json_object, refuse_target
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.submit.job_options import read_job_options
from dicomorph.services.submit.start_job import Caller, new_job, start_job

_LONGEST = 256  # characters; longer values are not copied, unless they are main tags


def submit_merge(backend: Backend, body: Json, *, study_id: str, caller: Caller) -> Job:
    """Check a request, read what the instances are to take over from the study, and start the job.

    Raises
    ------
    DicomorphError
        The errors of spec 4.2, in its order; nothing is stored then.
    """
    fields = json_object(body)
    check_field_names(fields)
    if backend.index.catalogue.get(Level.STUDY, study_id) is None:
        raise UnknownResourceError
    sources = identifiers(fields, "Resources")
    _check_sources(backend, sources, study_id)
    keep_source = read_boolean(fields, "KeepSource", default=False)
    read_boolean(fields, "KeepLabels", default=False)
    refuse_target(fields)
    options = read_job_options(fields)
    job = new_job(backend, options, kind=JobType.MERGE_STUDY, level=Level.STUDY, keep_source=keep_source)
    return start_job(
        backend,
        replace(job, content=merge_content(study_id)),
        body=fields,
        sources=sources,
        caller=caller,
        changes=_changes(backend, study_id).to_json(),
    )


def _check_sources(backend: Backend, sources: Sequence[str], study_id: str) -> None:
    """Refuse patients, and what belongs to the study already."""
    studies = study_of_each(backend, backend.index.catalogue.find_many(sorted(set(sources))))
    if any(studies.get(resource_id, study_id) == study_id for resource_id in sources):
        raise UnknownResourceError


def _changes(backend: Backend, study_id: str) -> StudyChanges:
    pin = min(
        backend.index.catalogue.pins(Level.STUDY, study_id),
        key=lambda pin: pin.ancestry.instance,
        default=None,
    )
    if pin is None:
        raise UnknownResourceError
    with opened(backend, pin.ancestry.instance, pin.object) as source:
        wanted = frozenset(tag for tag in study_tags() if vr_of(tag) != "SQ")
        values = read_values_in_order(
            open_dataset(source), wanted, default_encoding=default_encoding(backend)
        )
    return merge_changes(_copied(values))


def _copied(values: Mapping[int, str]) -> dict[int, str]:
    unpadded = {tag: value.rstrip(" \0") for tag, value in values.items()}  # leading spaces are identity
    return {tag: value for tag, value in unpadded.items() if len(value) <= _LONGEST or _is_main_tag(tag)}


def _is_main_tag(tag: int) -> bool:
    return any(tag in tags for tags in MAIN_DICOM_TAGS.values())
