"""Cutting the instances of a job into batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dicomorph.jobs.model import Batch
from dicomorph.model.resources import Pin

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerLimits:
    """How much one invocation of a worker takes.

    Parameters
    ----------
    batch_instances, batch_bytes : int
        A batch ends before either is exceeded; an instance larger than `batch_bytes` is a
        batch of its own.
    small_job_instances, small_job_bytes : int
        A job within both is one batch, run without a map.
    """

    batch_instances: int = 50
    batch_bytes: int = 64 * _MIB
    small_job_instances: int = 100
    small_job_bytes: int = 64 * _MIB


def distinct_sources(pins: Iterable[Pin]) -> list[Pin]:
    """Return each source once, in ascending order of their Orthanc id.

    In this order Orthanc processes them (spec 3.10), and it makes the plan repeatable.
    """
    distinct = {pin.ancestry.instance: pin for pin in pins}
    return [distinct[instance] for instance in sorted(distinct)]


def plan_batches(sources: Sequence[Pin], limits: PlannerLimits) -> list[Batch]:
    """Cut the sources of a job into batches, in the order given; one that repeats is copied again."""
    total = sum(pin.object.size for pin in sources)
    if len(sources) <= limits.small_job_instances and total <= limits.small_job_bytes:
        chunks = [tuple(sources)] if sources else []
    else:
        chunks = list(_chunks(sources, limits))
    met: Counter[str] = Counter()
    return [Batch(number, chunk, _copies(chunk, met)) for number, chunk in enumerate(chunks)]


def _copies(chunk: Sequence[Pin], met: Counter[str]) -> dict[int, int]:
    copies: dict[int, int] = {}
    for index, pin in enumerate(chunk):
        instance = pin.ancestry.instance
        if met[instance]:
            copies[index] = met[instance]
        met[instance] += 1
    return copies


def _chunks(sources: Sequence[Pin], limits: PlannerLimits) -> Iterator[tuple[Pin, ...]]:
    chunk: list[Pin] = []
    size = 0
    for pin in sources:
        full = len(chunk) == limits.batch_instances or size + pin.object.size > limits.batch_bytes
        if chunk and full:
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(pin)
        size += pin.object.size
    if chunk:
        yield tuple(chunk)
