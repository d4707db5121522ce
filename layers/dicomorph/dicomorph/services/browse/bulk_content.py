"""Show many resources at once (spec 2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.json_fields import read_boolean, refuse_misspelled
from dicomorph.model.resources import Json, Level, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.browse.hierarchy import ancestor, descendant_ids, load
from dicomorph.services.browse.resource_view import resource_json
from dicomorph.services.fields import identifiers, read_level

_FORMS = (("Simplify", TagsForm.SIMPLIFY), ("Short", TagsForm.SHORT), ("Full", TagsForm.FULL))
_FIELDS = frozenset({"Resources", "Level", "Metadata", *(name for name, _ in _FORMS)})
_ELSEWHERE = frozenset({"Host", "Port", "Url", "URL"})  # of Orthanc's modalities and peers, near Short, Full


def bulk_content(backend: Backend, body: Mapping[str, Json]) -> list[Json]:
    """Return the resources that a request names, or their relatives at the level that it names.

    Without ``Level`` they come in the order of the request, as often as it names them; with it
    once each, by identifier. Unknown ones are left out.

    Raises
    ------
    BadRequestError
        If a field is misspelled.
    BadFileFormatError
        If a field has the wrong type.
    ParameterOutOfRangeError
        If ``Level`` is none.
    """
    refuse_misspelled(body, _FIELDS, others=_ELSEWHERE)
    named = identifiers(body, "Resources")
    level = read_level(body)
    with_metadata = read_boolean(body, "Metadata", default=True)
    form = next((form for name, form in _FORMS if read_boolean(body, name, default=False)), TagsForm.SIMPLIFY)
    held = {resource.id: resource for resource in backend.index.catalogue.find_many(named)}
    found = held.values()
    shown = found if level is None else load(backend, level, _at_level(backend, found, level))
    # Each is looked at once, however often it is named.
    views = {resource.id: _view(backend, resource, form, with_metadata=with_metadata) for resource in shown}
    return [views[one] for one in (named if level is None else views) if one in views]


def _view(backend: Backend, resource: Resource, form: TagsForm, *, with_metadata: bool) -> Json:
    view = resource_json(backend, resource, form)
    if with_metadata:
        view["Metadata"] = {name: entry.value for name, entry in sorted(resource.metadata.items())}
    return view


def _at_level(backend: Backend, resources: Iterable[Resource], level: Level) -> list[str]:
    return sorted({one for resource in resources for one in _relatives(backend, resource, level)})


def _relatives(backend: Backend, resource: Resource, level: Level) -> Sequence[str]:
    try:
        if level in resource.level.above:
            return [ancestor(backend, resource.level, resource.id, level).id]
        return descendant_ids(backend, resource.level, resource.id, level)
    except UnknownResourceError:  # deleted meanwhile
        return []
