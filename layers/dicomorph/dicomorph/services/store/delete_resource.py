"""Delete a resource with everything below it."""

from __future__ import annotations

from dicomorph.model.resources import Json, Level
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import discard_removed


def delete_resource(backend: Backend, level: Level, resource_id: str) -> dict[str, Json]:
    """Delete a resource; return the lowest ancestor that is left, as Orthanc answers (spec 2.3).

    Raises
    ------
    UnknownResourceError
        If it does not exist at this level.
    """
    removal = backend.index.eraser.remove(level, resource_id)  # the outbox names the objects from here on
    discard_removed(backend, removal.objects)
    return {"RemainingAncestor": _reference(removal.remaining)}


def _reference(remaining: tuple[Level, str] | None) -> Json:
    if remaining is None:
        return None
    level, resource_id = remaining
    return {"ID": resource_id, "Path": f"/{level.path}/{resource_id}", "Type": level.value}
