"""Which studies resources belong to, looked up together: a request may name many thousands."""

from __future__ import annotations

from collections.abc import Iterable

from dicomorph.model.resources import Level, Resource
from dicomorph.services.backend import Backend


def study_of_each(backend: Backend, resources: Iterable[Resource]) -> dict[str, str]:
    """Return the study that each resource is or belongs to, by its Orthanc id; none for patients."""
    studies: dict[str, str] = {}
    series: dict[str, str] = {}
    for resource in resources:
        if resource.level is Level.STUDY:
            studies[resource.id] = resource.id
        elif resource.level is Level.SERIES:
            studies[resource.id] = resource.parent or ""
        elif resource.level is Level.INSTANCE:
            series[resource.id] = resource.parent or ""
    wanted = sorted(set(series.values()))
    held = {found.id: found.parent or "" for found in backend.index.catalogue.get_many(Level.SERIES, wanted)}
    return studies | {one: held[parent] for one, parent in series.items() if parent in held}
