"""Find resources by their place in the hierarchy."""

from __future__ import annotations

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import Level, Resource
from dicomorph.services.backend import Backend


def list_ids(backend: Backend, level: Level, *, since: int, limit: int) -> list[str]:
    """Return the identifiers of a level; a `limit` of 0 is none."""
    return backend.index.catalogue.ids(level, since=since, limit=limit)


def load(backend: Backend, level: Level, resource_ids: list[str]) -> list[Resource]:
    """Return resources, without those that vanished since they were listed."""
    found = (backend.index.catalogue.get(level, resource_id) for resource_id in resource_ids)
    return [resource for resource in found if resource is not None]


def descendant_ids(backend: Backend, level: Level, resource_id: str, below: Level) -> list[str]:
    """Return the identifiers of everything below a resource at one level, sorted.

    Raises
    ------
    UnknownResourceError
        If the resource does not exist.
    """
    if backend.index.catalogue.get(level, resource_id) is None:
        raise UnknownResourceError
    found = [resource_id]
    for step in below.above[len(level.above) :]:
        found = [child for parent in found for child in backend.index.catalogue.children(step, parent)]
    return sorted(found)


def ancestor(backend: Backend, level: Level, resource_id: str, above: Level) -> Resource:
    """Return the resource above another one at a level.

    Raises
    ------
    UnknownResourceError
        If the resource does not exist.
    """
    resource = backend.index.catalogue.get(level, resource_id)
    while resource is not None and resource.level is not above:
        parent_level = resource.level.parent
        if parent_level is None or resource.parent is None:
            break
        resource = backend.index.catalogue.get(parent_level, resource.parent)
    if resource is None or resource.level is not above:
        raise UnknownResourceError
    return resource
