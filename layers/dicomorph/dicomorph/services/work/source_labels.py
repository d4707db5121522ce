"""The labels that products take over from their sources."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.model.resources import LEVELS, Ancestry, Level
from dicomorph.services.backend import Backend


class SourceLabels:
    """The labels of sources; parents are read once each."""

    def __init__(self, backend: Backend) -> None:
        self._catalogue = backend.index.catalogue
        self._of_parents: dict[tuple[Level, str], frozenset[str]] = {}

    def of(self, source: Ancestry) -> Mapping[Level, frozenset[str]]:
        """Return the labels of a source and of all above it, by their level."""
        return {level: self._at(level, source.at(level)) for level in LEVELS}

    def _at(self, level: Level, resource_id: str) -> frozenset[str]:
        known = self._of_parents.get((level, resource_id))
        if known is not None:
            return known
        resource = self._catalogue.get(level, resource_id)
        labels = resource.labels if resource else frozenset()
        if level is not Level.INSTANCE:
            self._of_parents[level, resource_id] = labels
        return labels
