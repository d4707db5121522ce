"""What a job tells about itself, and what follows from the outcomes of its instances (spec 2.4, 3.10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dicomorph.jobs.model import InstanceOutcome
from dicomorph.model.resources import Json, Level, Pin


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that was asked for, at the level where it was found."""

    level: Level
    id: str


def initial_content(targets: Sequence[Target], *, is_anonymization: bool) -> dict[str, Json]:
    """Return the ``Content`` of a job that has not begun: its sources, no counts and no product."""
    content: dict[str, Json] = {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 0,
        "IsAnonymization": is_anonymization,
    }
    if targets:
        content["ParentResources"] = [target.id for target in targets]
        content["Resources"] = [{"ID": target.id, "Type": target.level.value} for target in targets]
    return content


def final_content(
    initial: Mapping[str, Json], outcomes: Sequence[InstanceOutcome], *, level: Level
) -> dict[str, Json]:
    """Return the ``Content`` of a job whose instances are all done.

    Parameters
    ----------
    outcomes : Sequence[InstanceOutcome]
        In ascending order of the sources' Orthanc ids: the first product names the result.
    level : Level
        The level of the route, at which the result is named.
    """
    content = dict(initial)
    content["InstancesCount"] = len(outcomes)
    content["FailedInstancesCount"] = sum(outcome.product is None for outcome in outcomes)
    product = next((outcome.product for outcome in outcomes if outcome.product), None)
    if product is not None:
        found = product.ancestry.at(level)
        content["ID"] = found
        content["Path"] = f"/{level.path}/{found}"
        content["PatientID"] = product.ancestry.patient
        content["Type"] = level.value
    return content


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
    return [outcome.source for outcome in outcomes if outcome.source.ancestry.instance not in products]
