"""Orthanc's ``Content`` of jobs: what a job says of its sources and its result (spec 2.4, 4).

What grows with a job is a *listing*, which is kept in a document of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dicomorph.jobs.model import InstanceOutcome, Job, JobType
from dicomorph.jobs.summary import Summary
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.remarks import Remark
from dicomorph.model.resources import LEVELS, Json, JsonStream, Level, Pin

_DANGLING = "DanglingInstancesCount"
_UNTRANSCODED = "UntranscodedInstances"
_UNTRANSCODED_COUNT = "UntranscodedInstancesCount"
_FLAGS, _REFUSED, _REFUSED_INSTANCES = "Flags", "Refused", "RefusedInstances"


@dataclass(frozen=True, slots=True)
class NamedResource:
    """A resource that a request names, at the level where it was found."""

    level: Level
    id: str


def source_listing(sources: Sequence[NamedResource]) -> dict[str, list[Json]]:
    """Return what a job says of its sources; nothing if it has none."""
    if not sources:
        return {}
    return {
        "ParentResources": [source.id for source in sources],
        "Resources": [{"ID": source.id, "Type": source.level.value} for source in sources],
    }


def modification_content(
    listing: Mapping[str, Json], *, is_anonymization: bool, transcode: str = ""
) -> dict[str, Json]:
    """Return the content of a modification that has not begun: its sources, no counts and no product.

    Parameters
    ----------
    transcode : str
        The UID of the transfer syntax that was asked for; empty for none.
    """
    asked: dict[str, Json] = {"Transcode": transcode} if transcode else {}
    return {**_counts(), "IsAnonymization": is_anonymization, **asked, **listing}


def split_content(study_uid: str) -> dict[str, Json]:
    """Return the content of a split that has not begun."""
    return {**_counts(), "TargetStudyUID": study_uid}


def merge_content(study_id: str) -> dict[str, Json]:
    """Return the content of a merge."""
    return {**_counts(), "TargetStudy": study_id}


def final_content(job: Job, summary: Summary, *, dangling: int = 0) -> dict[str, Json]:
    """Return the content of a job whose instances are all done, without its listing.

    Parameters
    ----------
    summary : Summary
        The first one with a product names the result.
    dangling : int
        How many instances stayed behind in the studies of the sources, and refer to what left.
    """
    content = dict(job.content)
    if dangling:
        content[_DANGLING] = dangling
    content["InstancesCount"] = summary.instances
    content["FailedInstancesCount"] = summary.failed
    if summary.failures:
        content["FailedInstances"] = [_failed_instance(outcome) for outcome in summary.failures]
    content |= {remark.value: count for remark, count in summary.remarks.items()}
    content |= _flags_and_refusals(summary)
    if summary.untranscoded:
        content[_UNTRANSCODED_COUNT] = summary.untranscoded
        content[_UNTRANSCODED] = [{"ID": one, "Details": why} for one, why in summary.kept_syntaxes]
    product = summary.success.product if summary.success else None
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


def unfinished_content(job: Job) -> dict[str, Json]:
    """Return the content of a job that begins again: without a result, as far as it had one."""
    result = {
        JobType.RESOURCE_MODIFICATION: ("ID", "Path", "PatientID", "Type"),
        JobType.SPLIT_STUDY: ("TargetStudy",),
    }.get(job.type, ())
    told = ("FailedInstances", _DANGLING, _UNTRANSCODED, _UNTRANSCODED_COUNT)
    judged = (_FLAGS, _REFUSED, _REFUSED_INSTANCES)
    gone = {*result, *told, *judged, *(remark.value for remark in Remark)}
    content = {name: value for name, value in job.content.items() if name not in gone}
    return {**content, "FailedInstancesCount": 0}


def product_listing(job: Job, outcomes: Iterable[InstanceOutcome]) -> dict[str, Iterable[Json]]:
    """Return what a job lists in the end, entry by entry: only identifiers are in memory together.

    A bulk job lists its products as ``Resources``: instances, then their series, studies and
    patients, each once. What went to a target is listed as ``Files``, with the keys there.

    Parameters
    ----------
    outcomes : Iterable[InstanceOutcome]
        May be gone through several times.
    """
    listing: dict[str, Iterable[Json]] = {}
    if job.is_bulk:
        listing["Resources"] = _resources(outcomes)
    if job.target:
        listing["Files"] = (
            {"ID": one.ancestry.instance, "Key": one.object.key} for one in _products(outcomes)
        )
    return listing


def with_listing(
    content: Mapping[str, Json], listing: Mapping[str, Collection[Json]]
) -> dict[str, JsonStream]:
    """Return a whole content: what a job lists stands in it, the products that it has left as an object."""
    return {**content, **{name: value for name, value in listing.items() if name != "Products"}} | (
        left_content(listing.get("Products", ()))
    )


def left_content(products: Collection[Json]) -> dict[str, JsonStream]:
    """Return what a failed job says of the products that it has left: their ids, and how many there are."""
    if not products:
        return {}
    return {"Products": {"Count": len(products), "Resources": products}}


def _failed_instance(outcome: InstanceOutcome) -> Json:
    return {
        "ID": outcome.source.ancestry.instance,
        "ErrorCode": outcome.error_code,
        "Details": outcome.details or describe_code(outcome.error_code)[0],
    }


def _flags_and_refusals(summary: Summary) -> dict[str, Json]:
    """Return what is said of instances that may show who the patient is; nothing if there are none."""
    found: dict[str, Json] = {}
    if summary.flags:
        found[_FLAGS] = dict(sorted(summary.flags.items()))
    if summary.refused:
        found[_REFUSED] = dict(sorted(summary.refused.items()))
        found[_REFUSED_INSTANCES] = [
            {"ID": one.source.ancestry.instance, "Reason": one.refused} for one in summary.refusals
        ]
    return found


def _resources(outcomes: Iterable[InstanceOutcome]) -> Iterator[Json]:
    found: dict[Level, set[str]] = {level: set() for level in reversed(LEVELS)}
    for product in _products(outcomes):
        for level, ids in found.items():
            ids.add(product.ancestry.at(level))
    for level, ids in found.items():
        for one in sorted(ids):
            yield {"ID": one, "Path": f"/{level.path}/{one}", "Type": level.value}


def _products(outcomes: Iterable[InstanceOutcome]) -> Iterator[Pin]:
    return (outcome.product for outcome in outcomes if outcome.product is not None)


def _counts() -> dict[str, Json]:
    return {"Description": "REST API", "FailedInstancesCount": 0, "InstancesCount": 0}
