"""The time of the server."""

from __future__ import annotations

from dicomorph.model.metadata_names import metadata_time
from dicomorph.services.backend import Backend


def now(backend: Backend) -> str:
    """Return the time in UTC, as Orthanc writes it (spec 2.5)."""
    return metadata_time(backend.now())
