"""Delete many resources at once (spec 2.4)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from dicomorph.model.errors import BadRequestError, UnknownResourceError
from dicomorph.model.resources import Json, Level, ObjectRef
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.erasure.discarding import discard_removed
from dicomorph.services.erasure.erasing import UNFINISHED, erase_instances, erase_resources
from dicomorph.services.fields import read_level

_ERASED_AT_ONCE = 1_000  # of many small resources: the disk is waited for once


def bulk_delete(backend: Backend, body: Mapping[str, Json], *, seconds: float | None = None) -> None:
    """Delete the resources that a request names; those that do not exist are ignored.

    Unlike Orthanc, which finds an ill-typed item when it gets there, nothing is deleted unless
    the whole request is sound.

    Parameters
    ----------
    seconds : float, optional
        How long it may take, where it can be taken up later; None is for ever.

    Raises
    ------
    BadRequestError
        If ``Resources`` is not an array of identifiers, or of ``{"Level", "ID"}``; as
        `ParameterOutOfRangeError` if a level is none.
    TimeLimitError
        If not all is deleted in time; the rest goes later.
    """
    items = body.get("Resources")
    if not isinstance(items, list):
        raise BadRequestError("'Resources' must be an array")
    named = [_named(item) for item in items]
    if backend.index.outbox.remembers:
        _delete_in_parts(backend, named)
    else:
        erase_resources(backend, named, Deadline(seconds, UNFINISHED))


def _delete_in_parts(backend: Backend, named: Sequence[tuple[Level | None, str]]) -> None:
    """Delete what is named: above images one by one, images together."""
    wanted = sorted({resource_id for _, resource_id in named})
    levels = {resource.id: resource.level for resource in backend.index.catalogue.find_many(wanted)}
    found = dict.fromkeys(one for level, one in named if one in levels and level in (None, levels[one]))
    removed: list[ObjectRef] = []
    try:
        for resource_id in found:
            if levels[resource_id] is not Level.INSTANCE:
                with contextlib.suppress(UnknownResourceError):  # went with an earlier one
                    removed += backend.index.eraser.remove(levels[resource_id], resource_id).objects
            if len(removed) >= _ERASED_AT_ONCE:
                discard_removed(backend, removed)
                removed.clear()
    finally:
        discard_removed(backend, removed)  # what is gone, is gone
    erase_instances(backend, [one for one in found if levels[one] is Level.INSTANCE])


def _named(item: Json) -> tuple[Level | None, str]:
    if isinstance(item, str):
        return None, item
    if isinstance(item, dict):
        resource_id = item.get("ID")
        if isinstance(resource_id, str) and isinstance(item.get("Level"), str):
            return read_level(item), resource_id
    raise BadRequestError("An item of 'Resources' is neither an identifier nor a 'Level' with an 'ID'")
