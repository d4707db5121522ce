"""Delete a resource with everything below it."""

from __future__ import annotations

from dicomorph.model.resources import Json, Level
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.erasure.discarding import discard_removed
from dicomorph.services.erasure.erasing import UNFINISHED, erase_resource


def delete_resource(
    backend: Backend, level: Level, resource_id: str, *, seconds: float | None = None
) -> dict[str, Json]:
    """Delete a resource; return the lowest ancestor that is left, as Orthanc answers (spec 2.3).

    Parameters
    ----------
    seconds : float, optional
        How long it may take, where it can be taken up later; None is for ever.

    Raises
    ------
    UnknownResourceError
        If it does not exist at this level.
    TimeLimitError
        If not all is deleted in time; the rest goes later.
    """
    if not backend.index.outbox.remembers:
        remaining = erase_resource(backend, level, resource_id, Deadline(seconds, UNFINISHED))
        return {"RemainingAncestor": _reference(remaining)}
    removal = backend.index.eraser.remove(level, resource_id)  # the outbox names the objects from here on
    discard_removed(backend, removal.objects)
    return {"RemainingAncestor": _reference(removal.remaining)}


def _reference(remaining: tuple[Level, str] | None) -> Json:
    if remaining is None:
        return None
    level, resource_id = remaining
    return {"ID": resource_id, "Path": f"/{level.path}/{resource_id}", "Type": level.value}
