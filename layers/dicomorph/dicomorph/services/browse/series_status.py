"""Whether a series is complete, as far as its own elements tell (spec 2.6)."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from dicomorph.model.metadata_names import EXPECTED_NUMBER_OF_INSTANCES
from dicomorph.model.resources import Resource
from dicomorph.ports.index import Child


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


def series_status(series: Resource, instances: Sequence[Child]) -> SeriesStatus:
    """Compare the instances of a series, by their ``IndexInSeries``, with the expected number."""
    expected = expected_number(series)
    if expected is None:
        return SeriesStatus.UNKNOWN
    if len(instances) > expected:
        return SeriesStatus.INCONSISTENT
    seen: set[int] = set()
    for instance in instances:
        index = _number(instance.index_in_series)
        if index is None:
            return SeriesStatus.UNKNOWN
        if not 0 < index <= expected or index in seen:
            return SeriesStatus.INCONSISTENT
        seen.add(index)
    return SeriesStatus.COMPLETE if len(seen) == expected else SeriesStatus.MISSING


def _number(index: str) -> int | None:
    try:
        return int(index) if index else None
    except ValueError:
        return None
