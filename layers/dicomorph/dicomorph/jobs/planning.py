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


BRIEF_SECONDS = 60
"""What one invocation may be planned for, to be an Express item of the map.

Its state times out after twice as long, and the whole item after five minutes: by then, what has
killed its worker or keeps it has been taken apart.
"""

# Twice what an instance takes where S3 takes 70 ms for a write and 40 for a read, and DynamoDB ten.
_SECONDS_AN_INSTANCE = 0.25
_SECONDS_A_MIB = 0.5  # there and back


# A file that is converted unfolds to ten times its size, seldom to more, is decoded and encoded again.
_WEIGHT_OF_TRANSCODING = 8


def planned_size(size: int, *, transcodes: bool) -> int:
    """Return as how many bytes an instance is planned, which are more than it has if it is converted."""
    return size * _WEIGHT_OF_TRANSCODING if transcodes else size


def expected_seconds(instances: int, size: int) -> float:
    """Return how long a worker takes for some instances at most, unless one of them keeps it.

    Parameters
    ----------
    size : int
        In bytes, of all of them (`planned_size`).
    """
    return instances * _SECONDS_AN_INSTANCE + size / _MIB * _SECONDS_A_MIB


def is_brief(instances: int, size: int) -> bool:
    """Tell whether a batch may be an Express item."""
    return expected_seconds(instances, size) <= BRIEF_SECONDS


Source = tuple[str, int]
"""The Orthanc id of an instance, and its planned size in bytes: what a plan needs to know of all at once."""


def distinct_sources(sources: Iterable[Source]) -> list[Source]:
    """Return each source once, in ascending order of their Orthanc id.

    In this order Orthanc processes them (spec 3.10), and it makes the plan repeatable.
    """
    return sorted(dict(sources).items())


def plan_batches(sources: Sequence[Source], limits: PlannerLimits) -> list[tuple[str, ...]]:
    """Cut the sources of a job into the ids of each batch, in the order given."""
    total = sum(size for _, size in sources)
    if len(sources) <= limits.small_job_instances and total <= limits.small_job_bytes:
        return [tuple(instance for instance, _ in sources)] if sources else []
    return list(_chunks(sources, limits))


def number_batches(
    chunks: Iterable[Sequence[Pin]], *, first: int = 0, before: Iterable[str] = ()
) -> Iterator[Batch]:
    """Yield the batches that are not empty; an instance that repeats is copied again.

    Parameters
    ----------
    first : int
        The number of the first of them.
    before : Iterable[str]
        The instances of those that have been numbered already.
    """
    met: Counter[str] = Counter(before)
    for number, pins in enumerate(filter(None, chunks), start=first):
        yield Batch(number, tuple(pins), _copies(pins, met))


def _copies(chunk: Sequence[Pin], met: Counter[str]) -> dict[int, int]:
    copies: dict[int, int] = {}
    for index, pin in enumerate(chunk):
        instance = pin.ancestry.instance
        if met[instance]:
            copies[index] = met[instance]
        met[instance] += 1
    return copies


def _chunks(sources: Sequence[Source], limits: PlannerLimits) -> Iterator[tuple[str, ...]]:
    chunk: list[str] = []
    total = 0
    for instance, size in sources:
        full = len(chunk) == limits.batch_instances or total + size > limits.batch_bytes
        if chunk and full:
            yield tuple(chunk)
            chunk, total = [], 0
        chunk.append(instance)
        total += size
    if chunk:
        yield tuple(chunk)
