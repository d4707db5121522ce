"""What a job's workflow does next: wait for its turn, plan, edit some batches, or come to its end."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dicomorph.jobs.concurrency import Capacity, is_next, jobs_at_once, share
from dicomorph.jobs.documents import (
    manifest_key,
    numbers_in,
    outcomes_prefix,
    parts_prefix,
    read_manifest,
    read_weights,
)
from dicomorph.jobs.items import (
    EditCursor,
    Items,
    encode_items,
    items_key,
    items_name,
    next_items,
    next_pass,
    read_edit_cursor,
    seconds_before,
)
from dicomorph.jobs.lifecycle import is_running
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import is_brief
from dicomorph.model.errors import InternalError
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.records import get_job
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.plan_job import plan_further

_SHORTEST_WAIT, _LONGEST_WAIT, _RARE_WAIT = 5, 60, 600  # seconds
# A look leaves nine events, of which an execution may have 25,000: at this pace, they last for days.
_OFTEN = timedelta(days=1)


class Kind(enum.Enum):
    """Which state of the workflow comes next."""

    PLAN = "plan"
    WAIT = "wait"
    BATCH = "batch"
    EXPRESS = "express"
    STANDARD = "standard"
    FINALIZE = "finalize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is next.

    Parameters
    ----------
    cursor : Mapping[str, str | int]
        What the call after it gets: a phase, the name of a draft, small numbers.
    wait : int
        Seconds, before `Kind.WAIT` calls again.
    concurrency : int
        How many items of a map at once.
    items : str
        What a map goes through (`jobs.items.items_name`).
    """

    kind: Kind
    cursor: Mapping[str, str | int]
    wait: int = 0
    concurrency: int = 1
    items: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the state holds it."""
        return {
            "next": self.kind.value,
            "cursor": dict(self.cursor),
            "wait": self.wait,
            "concurrency": self.concurrency,
            "items": self.items,
        }


_FINALIZE = Step(kind=Kind.FINALIZE, cursor={})


def next_step(
    backend: Backend, job_id: str, execution: int, cursor: Mapping[str, Any], budget: Budget
) -> Step:
    """Do what planning has to do, and return what is next. Every call can be repeated.

    Parameters
    ----------
    execution : int
        Of the workflow that calls (`Job.execution`).
    cursor : Mapping[str, Any]
        Of the step before; empty at first.
    """
    if cursor.get("phase") == "edit":
        job = get_job(backend, job_id)
        if not is_running(job, execution):
            return _FINALIZE
        return _edit_further(backend, job, read_edit_cursor(cursor))
    if wait := _seconds_to_wait(backend, job_id, execution):
        return Step(kind=Kind.WAIT, cursor=cursor, wait=wait)
    draft = str(cursor.get("draft", ""))
    job, draft = plan_further(backend, job_id, execution, draft=draft, budget=budget)
    if draft:
        return Step(kind=Kind.PLAN, cursor={"phase": "plan", "draft": draft})
    if not is_running(job, execution) or not job.batches:
        return _FINALIZE
    return _edit_further(backend, job, EditCursor())


def _seconds_to_wait(backend: Backend, job_id: str, execution: int) -> int:
    """Return how long a job waits before it asks again whether it may begin; 0 if it may."""
    job = get_job(backend, job_id)
    if job.state is not JobState.PENDING or job.execution != execution:
        return 0
    jobs = backend.jobs.all()
    # Asking Lambda for its limits takes a while, and one job may run at any rate.
    if is_next(job, jobs, 1) or is_next(job, jobs, _jobs_at_once(backend, backend.capacity())):
        return 0
    waited = backend.now() - datetime.fromisoformat(job.queued or job.created)
    if waited > _OFTEN:
        return _RARE_WAIT
    return int(max(_SHORTEST_WAIT, min(waited.total_seconds() / 10, _LONGEST_WAIT)))


def _edit_further(backend: Backend, job: Job, cursor: EditCursor) -> Step:
    sizes, brief = _sizes(backend, job)
    if brief == [True] and cursor == EditCursor():  # a small job needs no map, unless its worker dies
        return Step(kind=Kind.BATCH, cursor=_state_of(replace(cursor, maps=1)))
    if job.transcodes:  # how much a file unfolds to, no plan knows: none of these is an Express item
        brief = [False] * len(sizes)
    left = _without_outcome(backend, job, sizes)
    workers = _share_of_workers(backend, job)
    current: EditCursor | None = cursor
    while current is not None:
        items = next_items(current, left, brief, workers=workers)
        if items is not None:
            return _map(backend, job, items, sizes, workers)
        current = next_pass(current, len(left))
        if current is not None and (wait := seconds_before(current)):
            return Step(kind=Kind.WAIT, cursor=_state_of(current), wait=wait)
    return _FINALIZE


def _sizes(backend: Backend, job: Job) -> tuple[list[int], list[bool]]:
    """Return how many instances each batch has, and which batches are brief."""
    document = backend.objects.get(manifest_key(job))
    sizes, weights = read_manifest(document, job), read_weights(document, job)
    if sizes is None or weights is None:
        raise InternalError("The job was never planned")
    # What an earlier version has planned may be large: such batches take their time.
    pairs = zip(sizes, weights, strict=True)
    return sizes, [weight is not None and is_brief(size, weight) for size, weight in pairs]


def _map(backend: Backend, job: Job, items: Items, sizes: list[int], workers: int) -> Step:
    backend.objects.put(items_key(job, items.after), encode_items(job, items, sizes))
    return Step(
        kind=Kind.EXPRESS if items.after.is_brief else Kind.STANDARD,
        cursor=_state_of(items.after),
        concurrency=workers,
        items=items_name(job, items.after),
    )


def _without_outcome(backend: Backend, job: Job, sizes: list[int]) -> list[int]:
    """Return the numbers of the batches of which it is not written down what became of all instances."""
    done = {numbers_in(key)[0] for key in backend.objects.keys(outcomes_prefix(job))}
    parts = Counter(numbers_in(key)[0] for key in backend.objects.keys(parts_prefix(job)))
    done.update(number for number, count in parts.items() if count >= sizes[number])
    return [number for number in range(len(sizes)) if number not in done]


def _share_of_workers(backend: Backend, job: Job) -> int:
    """Return how many workers a job gets, of as many jobs as may run of those that there are now."""
    capacity = backend.capacity()
    jobs = backend.jobs.all()
    running = sorted(other.id for other in jobs if other.state is JobState.RUNNING)
    active = sum(other.state.is_active for other in jobs)
    before = sum(other < job.id for other in running)
    return share(capacity, min(active, _jobs_at_once(backend, capacity)), before)


def _jobs_at_once(backend: Backend, capacity: Capacity) -> int:
    return jobs_at_once(capacity, backend.settings.concurrent_jobs)


def _state_of(cursor: EditCursor) -> dict[str, str | int]:
    return {"phase": "edit", **cursor.to_json()}
