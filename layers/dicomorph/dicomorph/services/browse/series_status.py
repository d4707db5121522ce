"""Whether a series is complete, as far as its own elements tell (spec 2.6)."""

from __future__ import annotations

import enum

from dicomorph.model.metadata_names import EXPECTED_NUMBER_OF_INSTANCES, INDEX_IN_SERIES
from dicomorph.model.resources import Level, Resource
from dicomorph.services.backend import Backend


class SeriesStatus(enum.Enum):
    """Orthanc's ``Status`` of a series."""

    UNKNOWN = "Unknown"
    MISSING = "Missing"
    COMPLETE = "Complete"
    INCONSISTENT = "Inconsistent"


def expected_number(series: Resource) -> int | None:
    """Return how many instances a series should have, None if it does not tell."""
    entry = series.metadata.get(EXPECTED_NUMBER_OF_INSTANCES)
    return int(entry.value) if entry is not None and entry.value.isdecimal() else None


def series_status(backend: Backend, series: Resource, instance_ids: list[str]) -> SeriesStatus:
    """Compare the instances of a series, by their ``IndexInSeries``, with the expected number.

    Parameters
    ----------
    instance_ids : list[str]
        The identifiers of the series' children; they are read only where a number is expected.
    """
    expected = expected_number(series)
    if expected is None:
        return SeriesStatus.UNKNOWN
    if len(instance_ids) > expected:
        return SeriesStatus.INCONSISTENT
    seen: set[int] = set()
    for instance_id in instance_ids:
        index = _index_in_series(backend, instance_id)
        if index is None:
            return SeriesStatus.UNKNOWN
        if not 0 < index <= expected or index in seen:
            return SeriesStatus.INCONSISTENT
        seen.add(index)
    return SeriesStatus.COMPLETE if len(seen) == expected else SeriesStatus.MISSING


def _index_in_series(backend: Backend, instance_id: str) -> int | None:
    instance = backend.index.catalogue.get(Level.INSTANCE, instance_id)
    entry = instance and instance.metadata.get(INDEX_IN_SERIES)
    try:
        return int(entry.value) if entry else None
    except ValueError:
        return None
