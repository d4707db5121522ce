"""What follows from the outcomes of a job's instances (spec 3.10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dicomorph.jobs.model import InstanceOutcome
from dicomorph.model.resources import Pin


def first_failure(outcomes: Iterable[InstanceOutcome]) -> InstanceOutcome | None:
    """Return the outcome that a job fails with, None if every instance has a product."""
    return next((outcome for outcome in outcomes if outcome.product is None), None)


def series_representatives(outcomes: Iterable[InstanceOutcome]) -> list[Pin]:
    """Return one product of each distinct product series, by the id of the series.

    From these the main tags of the parents are rebuilt (spec 3.10).
    """
    found: dict[str, Pin] = {}
    for outcome in outcomes:
        if outcome.product is not None:
            found.setdefault(outcome.product.ancestry.series, outcome.product)
    return [found[series] for series in sorted(found)]


def replaced_sources(outcomes: Sequence[InstanceOutcome]) -> list[Pin]:
    """Return the sources that nothing is lost with, should their deletion be asked for.

    None of them, if an instance failed, or if two became one product. Never a source whose
    id is the id of a product: it was edited in place. Orthanc is less careful (spec 8).
    """
    products = {outcome.product.ancestry.instance for outcome in outcomes if outcome.product is not None}
    if len(products) < len(outcomes):
        return []
    replaced = (outcome.source for outcome in outcomes if outcome.source.ancestry.instance not in products)
    return list(dict.fromkeys(replaced))  # a source of several copies is one
