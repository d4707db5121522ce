"""Counts of what is stored."""

from __future__ import annotations

from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend

_MEGABYTE = 1 << 20


def statistics(backend: Backend) -> dict[str, Json]:
    """Return Orthanc's statistics of the server (spec 2.5); sizes in bytes are strings."""
    found = backend.index.catalogue.statistics()
    size, megabytes = str(found.disk_size), found.disk_size // _MEGABYTE
    return {
        "CountInstances": found.instances,
        "CountPatients": found.patients,
        "CountSeries": found.series,
        "CountStudies": found.studies,
        "TotalDiskSize": size,
        "TotalDiskSizeMB": megabytes,
        "TotalUncompressedSize": size,
        "TotalUncompressedSizeMB": megabytes,
    }
