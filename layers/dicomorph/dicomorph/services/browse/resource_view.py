"""A resource as Orthanc shows it to clients (spec 2.6)."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import cast

from dicomorph.dicom.standard.dictionary import keyword_of
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.metadata_names import (
    EXPECTED_NUMBER_OF_INSTANCES,
    INDEX_IN_SERIES,
    IS_PROTECTED,
    LAST_UPDATE,
    MAIN_DICOM_SEQUENCES,
    ORIGINS,
    read_metadata_time,
)
from dicomorph.model.resources import PARENT_LEVELS, Json, Level, Resource
from dicomorph.ports.index import Child
from dicomorph.services.backend import Backend
from dicomorph.services.browse.hierarchy import PARENTS_AT_ONCE
from dicomorph.services.browse.series_status import expected_number, series_status


def resource_json(
    backend: Backend, resource: Resource, form: TagsForm = TagsForm.SIMPLIFY
) -> dict[str, Json]:
    """Return the JSON of a resource; parameters as in `resource_views`."""
    return next(resource_views(backend, [resource], form))


def resource_views(
    backend: Backend, resources: Iterable[Resource], form: TagsForm
) -> Iterator[dict[str, Json]]:
    """Yield the JSON of each of some resources, with the identifiers of its children, in their order.

    Parameters
    ----------
    form : TagsForm
        How the main DICOM tags are written.
    """
    rest = iter(resources)
    while some := list(islice(rest, PARENTS_AT_ONCE)):
        children = _children_of(backend, some)
        for resource in some:
            yield _view(backend, resource, children[resource.id], form)


def _children_of(backend: Backend, resources: Sequence[Resource]) -> dict[str, list[Child]]:
    """Return the children of each resource, whatever their levels."""
    found: dict[str, list[Child]] = {resource.id: [] for resource in resources}
    for level in PARENT_LEVELS:
        wanted = [resource.id for resource in resources if resource.level is level]
        if wanted:
            for child in backend.index.catalogue.children_of(level, wanted):
                found[child.parent].append(child)
    return found


def _view(backend: Backend, resource: Resource, children: Sequence[Child], form: TagsForm) -> dict[str, Json]:
    view: dict[str, Json] = {
        "ID": resource.id,
        "Labels": list[Json](sorted(resource.labels)),
        "MainDicomTags": _main_dicom_tags(resource, form),
        "Type": resource.level.value,
    }
    for name in ORIGINS:
        if name in resource.metadata:
            view[name] = resource.metadata[name].value
    if resource.level.parent is not None:
        view[f"Parent{resource.level.parent.value}"] = resource.parent
    if resource.level.child is None:
        return view | _instance_part(resource)
    view[resource.level.child.plural] = [child.id for child in children]
    view[LAST_UPDATE] = _text(resource, LAST_UPDATE)
    view["IsStable"] = _is_stable(backend, resource)
    return view | _level_part(resource, children, form)


def _level_part(resource: Resource, children: Sequence[Child], form: TagsForm) -> dict[str, Json]:
    if resource.level is Level.PATIENT:
        return {IS_PROTECTED: False}
    if resource.level is Level.STUDY:
        return {"PatientMainDicomTags": _texts_in_form(resource.patient_main_tags, form)}
    return {
        EXPECTED_NUMBER_OF_INSTANCES: expected_number(resource),
        "Status": series_status(resource, children).value,
    }


def _instance_part(resource: Resource) -> dict[str, Json]:
    index: Json = None
    with contextlib.suppress(ValueError):  # empty, or not a number: Orthanc shows null
        index = int(_text(resource, INDEX_IN_SERIES))
    ref = resource.object
    return {
        "FileSize": 0 if ref is None else ref.size,
        # A name for this version of the file, of Orthanc's shape; it leads nowhere.
        "FileUuid": str(uuid.uuid5(uuid.NAMESPACE_OID, "" if ref is None else f"{ref.key}?{ref.version}")),
        INDEX_IN_SERIES: index,
    }


def _main_dicom_tags(resource: Resource, form: TagsForm) -> dict[str, Json]:
    tags = _texts_in_form(resource.main_tags, form)
    stored = _text(resource, MAIN_DICOM_SEQUENCES)
    if stored:
        sequences = cast("dict[str, Json]", json.loads(stored).get("Sequences", {}))
        tags |= _full_in_form(sequences, form)
    return tags


def _texts_in_form(tags: Mapping[str, str], form: TagsForm) -> dict[str, Json]:
    full: dict[str, Json] = {
        tag: {"Name": _name(tag), "Type": "String", "Value": value} for tag, value in tags.items()
    }
    return _full_in_form(full, form)


def _full_in_form(tags: dict[str, Json], form: TagsForm) -> dict[str, Json]:
    """Return tags of the full form in another one; depth is bounded by what was stored (spec 2.7)."""
    if form is TagsForm.FULL:
        return tags
    view: dict[str, Json] = {}
    for tag, entry in tags.items():
        if isinstance(entry, dict):
            name = tag if form is TagsForm.SHORT else str(entry.get("Name") or tag)
            value = entry.get("Value")
            if isinstance(value, list):
                value = [_full_in_form(item, form) if isinstance(item, dict) else item for item in value]
            view[name] = value
    return view


def _name(tag: str) -> str:
    return keyword_of(int(tag.replace(",", ""), 16)) or tag


def _text(resource: Resource, metadata: str) -> str:
    entry = resource.metadata.get(metadata)
    return "" if entry is None else entry.value


def _is_stable(backend: Backend, resource: Resource) -> bool:
    try:
        updated = read_metadata_time(_text(resource, LAST_UPDATE))
    except ValueError:
        return False
    return backend.now() - updated >= timedelta(seconds=backend.settings.stable_age)
