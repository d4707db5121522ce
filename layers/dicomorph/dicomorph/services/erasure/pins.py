"""What the jobs that live have pinned, so that its bytes must stay."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from threading import Lock
from typing import Protocol, TypeAlias

from dicomorph.jobs.documents import batch_key, manifest_key, read_batch, read_manifest
from dicomorph.jobs.model import Batch, Job, JobState
from dicomorph.model.resources import ObjectRef
from dicomorph.services.backend import Backend

_Hashes: TypeAlias = "array[int]"
_SideBySide: TypeAlias = Callable[[Callable[[int], Batch | None], Iterable[int]], Iterable[Batch | None]]

_MOST_PLANS = 8  # kept in memory: of a job of a million instances, 8 MB
_plans: dict[tuple[str, str], _Hashes] = {}  # a plan never changes
_lock = Lock()


class Documents(Protocol):
    """Where the documents of jobs are read; an `ObjectStore`, or a part of one."""

    def get(self, key: str) -> bytes | None:
        """Return the newest bytes under a key, None if there are none."""


class Pins:
    """What some jobs have pinned, each by the plan that its record names.

    Parameters
    ----------
    plans : Iterable[_Hashes]
        The hashes of the pinned keys, in ascending order. Two keys of one hash (one in 2**64)
        only mean that a file stays until the job ends.
    everything : bool
        Whether a job is being planned, which may pin whatever had an entry a moment ago.
    """

    def __init__(self, plans: Iterable[_Hashes], *, everything: bool) -> None:
        self._plans = list(plans)
        self._everything = everything

    def among(self, refs: Iterable[ObjectRef]) -> list[ObjectRef]:
        """Return those that are pinned."""
        return [ref for ref in refs if self._everything or self._has(hash(ref.key))]

    def _has(self, key: int) -> bool:
        return any(_is_in(plan, key) for plan in self._plans)


NO_PINS = Pins((), everything=False)


def pins_of_living(backend: Backend, *, but: str = "", starting: bool = False) -> Pins:
    """Return what the jobs have pinned that have not ended.

    It must be asked after entries were removed. Then a job that has not begun cannot pin their
    objects any more, and one that is paused amid its planning is planned anew.

    Parameters
    ----------
    but : str
        A job that does not count: its end asks.
    starting : bool
        Whether no job runs yet, whatever the records say.
    """
    records = backend.jobs
    if backend.objects.keeps_versions or not records.any_alive():
        return NO_PINS
    living = [job for job in records.all() if not job.state.is_final and job.id != but]
    return pins_of(backend.objects, living, starting=starting)


def pins_of(
    objects: Documents, jobs: Collection[Job], *, starting: bool, side_by_side: _SideBySide = map
) -> Pins:
    """Return what some jobs have pinned.

    Parameters
    ----------
    side_by_side : Callable, optional
        What reads the batches of a plan, as `map` does: such as `Backend.side_by_side`.
    """
    plans = {job.id: _plan_of(objects, job, side_by_side) for job in jobs}
    is_planned = [job.state is JobState.RUNNING and plans[job.id] is None for job in jobs]
    return Pins(
        (plan for plan in plans.values() if plan is not None), everything=any(is_planned) and not starting
    )


def _plan_of(objects: Documents, job: Job, side_by_side: _SideBySide) -> _Hashes | None:
    """Return the plan of a job; None if it has none, or not all of it is there: then it is made anew."""
    if not job.plan:
        return None
    with _lock:
        found = _plans.get((job.id, job.plan))
    if found is None and (found := _read_plan(objects, job, side_by_side)) is not None:
        with _lock:
            while len(_plans) >= _MOST_PLANS:
                del _plans[next(iter(_plans))]
            _plans[job.id, job.plan] = found
    return found


def _read_plan(objects: Documents, job: Job, side_by_side: _SideBySide) -> _Hashes | None:
    sizes = read_manifest(objects.get(manifest_key(job)), job)
    if sizes is None:
        return None
    keys = array("q")

    def read(number: int) -> Batch | None:
        return read_batch(objects.get(batch_key(job, number)), number)

    for batch in side_by_side(read, range(len(sizes))):
        if batch is None:
            return None
        keys.extend(hash(pin.object.key) for pin in batch.pins)
    return array("q", sorted(keys))


def _is_in(plan: _Hashes, key: int) -> bool:
    at = bisect_left(plan, key)
    return at < len(plan) and plan[at] == key
