"""How long planning and finalization take: the calls that they make, at what a call is assumed to take.

`test_steps.py` counts the calls under moto. What is not a call is measured on a machine: botocore's own
work for one, which threads do not share.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dicomorph.aws import backend
from dicomorph.aws.dynamodb import table
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.services.work import budget, left_behind, removals
from local.template import read_template

LATENCIES: Mapping[str, float] = {
    "PutObject": 0.035,
    "GetObject": 0.020,
    "HeadObject": 0.020,
    "DeleteObjects": 0.35,  # a thousand
    "ListObjectsV2": 0.035,
    "GetItem": 0.005,
    "PutItem": 0.005,
    "BatchGetItem": 0.010,  # up to a hundred
    "Query": 0.005,
    "UpdateItem": 0.005,
    "TransactWriteItems": 0.010,
}
"""Seconds, as assumed; a simulation multiplies them."""

_CPU_A_CALL = 0.001  # seconds of botocore's own work (measured: 0.5 ms)
_CPU_AN_ENTRY = 0.00008  # of the index, decoded (measured: 0.08 ms whole, 0.04 ms what a pin has of it)
_CPU_A_DOCUMENT = 0.002  # an outcome of fifty instances, read or written

DOCUMENTS = backend._DOCUMENTS_AT_ONCE
ITEMS = int(inspect.signature(table.Table).parameters["concurrency"].default)
READ_AT_ONCE = table._READ_AT_ONCE
_LINKS_A_PAGE = 5_000  # a page of a query has 1 MB
DELETED_AT_ONCE = removals._DELETED_AT_ONCE
FUNCTION_SECONDS = float(read_template()["Resources"]["PlanJobFunction"]["Properties"]["Timeout"])
STEP_SECONDS = FUNCTION_SECONDS - budget._RESERVE

_CPU_AN_IMAGE = 0.005


@dataclass(frozen=True)
class Phase:
    """A part of a task.

    Parameters
    ----------
    calls : Mapping[str, int]
        By operation.
    threads : int
        How many are under way.
    documents, entries : int
        How many of them are read or written.
    is_divisible : bool
        Whether a step may end within it.
    """

    name: str
    calls: Mapping[str, int]
    threads: int = DOCUMENTS
    documents: int = 0
    entries: int = 0
    is_divisible: bool = False

    def seconds(self, factor: float) -> float:
        """Return how long it takes, at so many times the latencies."""
        waiting = sum(count * LATENCIES[call] for call, count in self.calls.items()) * factor / self.threads
        working = sum(self.calls.values()) * _CPU_A_CALL
        working += self.documents * _CPU_A_DOCUMENT + self.entries * _CPU_AN_ENTRY
        return max(waiting, working)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a job is: all in one study, its series in order of the instances' ids."""

    instances: int
    series: int
    batch: int = field(default=PlannerLimits().batch_instances)

    @property
    def batches(self) -> int:
        """How many there are, as long as images are small."""
        return math.ceil(self.instances / self.batch)

    def read(self, entries: int) -> int:
        """Return how many reads of the index so many entries take."""
        return math.ceil(entries / READ_AT_ONCE)


def plan_phases(
    size: Size, *, names_identifiers: bool = False, keeps: bool = True, follows: bool = False
) -> list[Phase]:
    """Return what planning does.

    Parameters
    ----------
    names_identifiers : bool
        Whether the request replaces or keeps some, so that all of them are looked at.
    keeps : bool
        Whether the sources stay.
    follows : bool
        Whether references follow (a modification).
    """
    count = size.instances
    pins = {"BatchGetItem": size.batches}
    twice = {"BatchGetItem": size.batches + size.read(count)}  # the pins, and the entries with identifiers
    links = {"Query": 16 * size.series + count // _LINKS_A_PAGE}
    phases = [Phase("gather", {"BatchGetItem": size.read(count)} | links, entries=2 * count)]
    if names_identifiers:
        phases.append(Phase("identifiers", twice, entries=2 * count))
        if not keeps:
            phases.append(Phase("sources", pins, entries=count))
    documents = {"documents": size.batches, "entries": count}
    write = Phase("write", pins | {"PutObject": size.batches}, **documents, is_divisible=True)
    phases.append(write)
    if follows:
        phases.append(Phase("moved", twice, entries=2 * count))
    return phases


def end_phases(size: Size, *, keeps: bool, counts: bool = True) -> list[Phase]:
    """Return what finalization does after its summary, which each step begins with.

    Parameters
    ----------
    keeps : bool
        Whether the sources stay.
    counts : bool
        Whether what stays is looked through for references to what goes (a modification).
    """
    outcomes = {"GetObject": size.batches}
    parents = {"GetObject": 2 * size.series, "GetItem": size.series, "UpdateItem": size.series + 2}
    heads = {} if keeps else {"HeadObject": size.instances}
    phases = [
        Phase("settle", parents, documents=size.series, is_divisible=True),
        Phase(
            "look",
            outcomes | {"BatchGetItem": size.batches} | heads,
            documents=size.batches,
            entries=2 * size.instances,
            is_divisible=True,
        ),
    ]
    if not keeps:
        rows = math.ceil(size.instances / DELETED_AT_ONCE)
        rest = {"DeleteObjects": rows, "BatchGetItem": 3 * rows, "GetObject": size.batches}
        erase = {"TransactWriteItems": size.instances}
        if counts:
            files = {"GetObject": size.batches + left_behind._MOST}
            phases.append(Phase("count", files, documents=size.batches + left_behind._MOST))
        phases += [
            # Of each row and series, the last entry goes with what is above it, by itself.
            Phase("remove", erase, threads=ITEMS, entries=size.instances, is_divisible=True),
            Phase("discard", rest, threads=1, documents=size.batches, is_divisible=True),
        ]
    return phases


def image_calls() -> Mapping[str, int]:
    """Return what a worker asks for each image; the writes of the index go side by side."""
    return {"GetObject": 1, "PutObject": 1, "PutItem": 3}


def seconds_an_image(factor: float) -> float:
    """Return how long a worker takes for an image of half a megabyte."""
    calls = image_calls()
    files = sum(calls[name] * LATENCIES[name] for name in ("GetObject", "PutObject"))
    return factor * (files + calls["PutItem"] * LATENCIES["PutItem"] / ITEMS) + _CPU_AN_IMAGE


def summary(size: Size) -> Phase:
    """Return what each step of a finalization begins with."""
    return Phase("summary", {"GetObject": size.batches}, documents=size.batches)


def steps(phases: Iterable[Phase], factor: float, *, before: float = 0.0) -> list[float]:
    """Return how long each step takes: it ends where it may, once its budget is spent.

    Parameters
    ----------
    before : float
        Seconds with which each step begins.
    """
    found = [before]
    for phase in phases:
        left = phase.seconds(factor)
        if not phase.is_divisible:
            found[-1] += left
            continue
        while left:
            now = min(left, max(STEP_SECONDS - found[-1], 1.0))
            found[-1] += now
            left -= now
            if left:
                found.append(before)
    return found
