"""Orthanc's ``Content`` of jobs: what a job says of its sources and its result (spec 2.4, 4).

What grows with a job is a *listing*, which is kept in a document of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dicomorph.jobs.model import InstanceOutcome, Job, JobType
from dicomorph.model.resources import LEVELS, Json, Level, Pin


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that was asked for, at the level where it was found."""

    level: Level
    id: str


def source_listing(targets: Sequence[Target]) -> dict[str, Json]:
    """Return what a job says of its sources; nothing if it has none."""
    if not targets:
        return {}
    return {
        "ParentResources": [target.id for target in targets],
        "Resources": [{"ID": target.id, "Type": target.level.value} for target in targets],
    }


def modification_content(listing: Mapping[str, Json], *, is_anonymization: bool) -> dict[str, Json]:
    """Return the content of a modification that has not begun: its sources, no counts and no product."""
    return {**_counts(), "IsAnonymization": is_anonymization, **listing}


def split_content(study_uid: str) -> dict[str, Json]:
    """Return the content of a split that has not begun."""
    return {**_counts(), "TargetStudyUID": study_uid}


def merge_content(study_id: str) -> dict[str, Json]:
    """Return the content of a merge."""
    return {**_counts(), "TargetStudy": study_id}


def final_content(job: Job, outcomes: Sequence[InstanceOutcome]) -> dict[str, Json]:
    """Return the content of a job whose instances are all done, without its listing.

    Parameters
    ----------
    outcomes : Sequence[InstanceOutcome]
        The first one with a product names the result.
    """
    content = dict(job.content)
    content["InstancesCount"] = len(outcomes)
    content["FailedInstancesCount"] = sum(outcome.product is None for outcome in outcomes)
    product = next((outcome.product for outcome in outcomes if outcome.product), None)
    if product is None or job.is_bulk:
        return content
    if job.type is JobType.RESOURCE_MODIFICATION:
        found = product.ancestry.at(job.level)
        content["ID"] = found
        if not job.target:  # there is no such resource in the store
            content["Path"] = f"/{job.level.path}/{found}"
        content["PatientID"] = product.ancestry.patient
        content["Type"] = job.level.value
    else:
        content["TargetStudy"] = product.ancestry.study
    return content


def product_listing(job: Job, outcomes: Iterable[InstanceOutcome]) -> dict[str, Json]:
    """Return what a job lists in the end.

    A bulk job lists its products as ``Resources``: instances, then their series, studies and
    patients, each once. What went to a target is listed as ``Files``, with the keys there.
    """
    products = [outcome.product for outcome in outcomes if outcome.product is not None]
    listing: dict[str, Json] = {}
    if job.is_bulk:
        found = (_entries(products, level) for level in reversed(LEVELS))
        listing["Resources"] = [entry for entries in found for entry in entries]
    if job.target:
        listing["Files"] = [{"ID": one.ancestry.instance, "Key": one.object.key} for one in products]
    return listing


def _entries(products: Iterable[Pin], level: Level) -> list[Json]:
    found = sorted({product.ancestry.at(level) for product in products})
    return [{"ID": one, "Path": f"/{level.path}/{one}", "Type": level.value} for one in found]


def _counts() -> dict[str, Json]:
    return {"Description": "REST API", "FailedInstancesCount": 0, "InstancesCount": 0}
