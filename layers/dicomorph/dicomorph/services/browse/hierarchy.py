"""Find resources by their place in the hierarchy, those of a request together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import LEVELS, Level, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline

AT_ONCE = 1_600
"""Resources: they are in memory together, and on AWS read by sixteen requests side by side."""

PARENTS_AT_ONCE = 100
"""Resources whose children are looked up together: on AWS, those of series take 1,600 requests."""


def list_ids(backend: Backend, level: Level, *, since: int, limit: int) -> list[str]:
    """Return the identifiers of a level; a `limit` of 0 is none."""
    return backend.index.catalogue.ids(level, since=since, limit=limit)


def load(
    backend: Backend, level: Level, resource_ids: Sequence[str], deadline: Deadline
) -> Iterator[Resource]:
    """Yield resources in the order of their identifiers' list, without those that vanished since.

    Raises
    ------
    TimeLimitError
        If there is not enough time.
    """
    for start in range(0, len(resource_ids), AT_ONCE):
        deadline.check()
        some = resource_ids[start : start + AT_ONCE]
        held = {found.id: found for found in backend.index.catalogue.get_many(level, some)}
        yield from (held[one] for one in some if one in held)


def descendant_ids(
    backend: Backend,
    level: Level,
    resource_id: str,
    below: Level,
    deadline: Deadline,
    *,
    unchecked: bool = False,
) -> list[str]:
    """Return the identifiers of everything below a resource at one level, sorted.

    Parameters
    ----------
    unchecked : bool
        As in `Catalogue.children_of`.

    Raises
    ------
    UnknownResourceError
        If the resource does not exist.
    TimeLimitError
        If there is not enough time.
    """
    if backend.index.catalogue.get(level, resource_id) is None:
        raise UnknownResourceError
    found: Collection[str] = [resource_id]
    for step in below.above[len(level.above) :]:
        found = _children(backend, step, found, deadline, unchecked=unchecked)
    return sorted(found)


def relative_ids(
    backend: Backend, resources: Iterable[Resource], level: Level, deadline: Deadline
) -> list[str]:
    """Return what resources are, contain or belong to at one level: each once, sorted.

    Raises
    ------
    TimeLimitError
        If there is not enough time.
    """
    named: dict[Level, set[str]] = {at: set() for at in LEVELS}
    above: dict[Level, set[str]] = {at: set() for at in LEVELS}
    for one in resources:  # gone through once: identifiers alone are in memory together
        named[one.level].add(one.id)
        above[one.level].add(one.parent or "")
    containing: set[str] = set()
    for step in level.above:
        containing = set(_children(backend, step, containing | named[step], deadline))
    belonging: set[str] = set()
    for step in reversed(LEVELS[len(level.above) + 1 :]):
        found = load(backend, step, sorted(belonging), deadline)
        belonging = above[step] | {one.parent or "" for one in found}
    return sorted(named[level] | containing | belonging)


def _children(
    backend: Backend,
    level: Level,
    parents: Collection[str],
    deadline: Deadline,
    *,
    unchecked: bool = False,
) -> list[str]:
    found: list[str] = []
    wanted = sorted(parents)
    for start in range(0, len(wanted), PARENTS_AT_ONCE):
        deadline.check()
        some = wanted[start : start + PARENTS_AT_ONCE]
        for child in backend.index.catalogue.children_of(level, some, unchecked=unchecked):
            found.append(child.id)
            if len(found) % AT_ONCE == 0:
                deadline.check()
    return found


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
