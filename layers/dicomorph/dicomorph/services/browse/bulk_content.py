"""Show many resources at once (spec 2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import tee

from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.json_fields import read_boolean, refuse_misspelled
from dicomorph.model.resources import Json, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.browse.hierarchy import AT_ONCE, load, relative_ids
from dicomorph.services.browse.resource_view import resource_views
from dicomorph.services.deadline import Deadline
from dicomorph.services.fields import identifiers, read_level

_FORMS = (("Simplify", TagsForm.SIMPLIFY), ("Short", TagsForm.SHORT), ("Full", TagsForm.FULL))
_FIELDS = frozenset({"Resources", "Level", "Metadata", *(name for name, _ in _FORMS)})
_ELSEWHERE = frozenset({"Host", "Port", "Url", "URL"})  # of Orthanc's modalities and peers, near Short, Full


def bulk_content(backend: Backend, body: Mapping[str, Json], deadline: Deadline) -> Iterator[dict[str, Json]]:
    """Yield the resources that a request names, or their relatives at the level that it names.

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
    TimeLimitError
        If there is not enough time.
    """
    refuse_misspelled(body, _FIELDS, others=_ELSEWHERE)
    named = identifiers(body, "Resources")
    level = read_level(body)
    with_metadata = read_boolean(body, "Metadata", default=True)
    form = next((form for name, form in _FORMS if read_boolean(body, name, default=False)), TagsForm.SIMPLIFY)
    shown = _as_named(backend, named, deadline)
    if level is not None:
        shown = load(backend, level, relative_ids(backend, shown, level, deadline), deadline)
    return _views(backend, shown, form, with_metadata=with_metadata)


def _as_named(backend: Backend, named: Sequence[str], deadline: Deadline) -> Iterator[Resource]:
    """Yield resources in the order of their names, as often as each is named."""
    for start in range(0, len(named), AT_ONCE):
        deadline.check()
        some = named[start : start + AT_ONCE]
        held = {resource.id: resource for resource in backend.index.catalogue.find_many(some)}
        yield from (held[one] for one in some if one in held)


def _views(
    backend: Backend, resources: Iterator[Resource], form: TagsForm, *, with_metadata: bool
) -> Iterator[dict[str, Json]]:
    shown, told = tee(resources)  # a view is made of some of them at a time
    for view, resource in zip(resource_views(backend, shown, form), told, strict=True):
        if with_metadata:
            view["Metadata"] = {name: entry.value for name, entry in sorted(resource.metadata.items())}
        yield view
