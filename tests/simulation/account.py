"""Jobs in an account with few functions: Lambda, and what the functions of the workflow do.

What is next, the planner decides with its own code (`services.work.next_step`), over documents in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dicomorph.jobs.concurrency import Capacity, workers_of_account
from dicomorph.jobs.documents import encode_manifest, manifest_key, outcome_key, part_key
from dicomorph.jobs.lifecycle import begun, planned, succeeded
from dicomorph.jobs.model import Job
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.settings import Settings
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.next_step import next_step
from local.template import read_template
from tests.simulation.clock import Clock, Process
from tests.simulation.state_machine import FailedError, StateMachine, read_definition
from tests.support.jobs import JOB

_START = datetime(2026, 1, 1, tzinfo=UTC)
_OVERHEAD = 0.3  # seconds of an invocation besides its work
_IMAGE_BYTES = 500_000
_TEMPLATE = read_template()
FUNCTION_SECONDS = float(_TEMPLATE["Resources"]["EditBatchFunction"]["Properties"]["Timeout"])
MAX_CONCURRENCY = int(_TEMPLATE["Parameters"]["MaxConcurrency"]["Default"])


@dataclass
class Account:
    """What an account runs at a time.

    Parameters
    ----------
    limit : int
        Its concurrency.
    reserved : int
        How much of it is the workers' own; 0 for nothing.
    others : int
        How many functions run all the time that are none of a workflow.
    hanging, deadly : frozenset[tuple[int, int]]
        Batches and positions of images that keep their worker, or kill it.
    """

    limit: int
    reserved: int = 0
    others: int = 1
    seconds_an_image: float = 0.06
    hanging: frozenset[tuple[int, int]] = frozenset()
    deadly: frozenset[tuple[int, int]] = frozenset()
    setting: int | None = None
    seed: int = 0
    clock: Clock = field(default_factory=Clock)
    busy: int = 0
    busy_own: int = 0
    most_busy: int = 0
    most_jobs: int = 0
    throttled: int = 0
    apart: int = 0

    def __post_init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.sizes: dict[str, Sequence[int]] = {}
        self.documents: dict[str, bytes] = {}
        self.recorded: dict[str, dict[str, int]] = {}  # keys of outcomes, and how many images succeeded
        self.ends: dict[str, float] = {}
        self.machine = StateMachine(self.clock, read_definition(), self._invoke, self._items, seed=self.seed)
        capacity = Capacity(workers_of_account(self.limit, self.reserved), MAX_CONCURRENCY)
        self.backend: Any = SimpleNamespace(
            jobs=SimpleNamespace(get=self.jobs.get, all=lambda: list(self.jobs.values())),
            objects=SimpleNamespace(get=self.documents.get, put=self.documents.__setitem__, keys=self._keys),
            settings=Settings(concurrent_jobs=self.setting),
            capacity=lambda: capacity,
            now=lambda: _START + timedelta(seconds=self.clock.now),
        )

    def submit(self, images: int, *, after: float = 0.0) -> str:
        """Submit a job of so many images; return its id."""
        limits = PlannerLimits()
        most = limits.small_job_instances if images <= limits.small_job_instances else limits.batch_instances
        job = f"job-{len(self.sizes):03}"
        self.sizes[job] = [min(most, images - at) for at in range(0, images, most)]
        self.recorded[job] = {}

        def start() -> Process:
            created = self.backend.now().isoformat(timespec="microseconds")
            self.jobs[job] = replace(JOB, id=job, created=created, plan="", batches=0)
            yield from self.machine.execute({"job": job, "execution": 1})
            self.ends.setdefault(job, self.clock.now)

        def begin() -> None:
            self.clock.spawn(start())

        self.clock.at(after, begin)
        return job

    @property
    def events(self) -> Mapping[str, int]:
        """How many events the history of each job's execution has, about."""
        return self.machine.events

    def run(self) -> None:
        """Let all jobs end."""
        with _planning_done_by(self):
            self.clock.run()

    def lost(self, job: str) -> int:
        """Return how many images of a job have no product."""
        whole = {key: count for key, count in self.recorded[job].items() if "/outcomes/" in key}
        parts = {key: count for key, count in self.recorded[job].items() if "/parts/" in key}
        done = {int(key[-11:-5]): count for key, count in whole.items()}
        for key, count in parts.items():
            number = int(key[-18:-12])
            if outcome_key(self.jobs[job], number) not in whole:
                done[number] = done.get(number, 0) + count
        return sum(self.sizes[job]) - sum(done.values())

    def _keys(self, prefix: str) -> Iterator[str]:
        job = prefix.split("/")[1]
        return (key for key in self.recorded[job] if key.startswith(prefix))

    def _items(self, state: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        document = self.documents[f"jobs/{state['job']}/manifests/{state['items']}.json"]
        items: list[dict[str, Any]] = json.loads(document)
        return items

    def _invoke(self, function: str, payload: Mapping[str, Any]) -> Process:
        (name,) = re.findall(r"\{(\w+)FunctionArn\}", function)
        is_own = name == "EditBatch" and self.reserved > 0
        has_room = self.busy_own < self.reserved if is_own else self._has_room()
        if not has_room:
            self.throttled += 1
            raise FailedError("Lambda.TooManyRequestsException")
        self.busy_own += is_own
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            yield _OVERHEAD
            return (yield from getattr(self, f"_{name.lower()}")(payload))
        finally:
            self.busy -= 1
            self.busy_own -= is_own

    def _has_room(self) -> bool:
        return self.busy - self.busy_own + self.others < self.limit - self.reserved

    def _planjob(self, event: Mapping[str, Any]) -> Process:
        yield 0.0
        step = next_step(self.backend, event["job"], event["execution"], event["cursor"], Budget())
        running = sum(bool(job.started) and not job.state.is_final for job in self.jobs.values())
        self.most_jobs = max(self.most_jobs, running)
        return {"job": event["job"], "execution": event["execution"], **step.to_json()}

    def _editbatch(self, event: Mapping[str, Any]) -> Process:
        job, number = self.jobs[event["job"]], event["batch"]
        held = self.recorded[job.id]
        if outcome_key(job, number) in held:
            return
        part: int | None = event.get("part")
        if event.get("died"):
            held.setdefault(part_key(job, number, event["part"]), 0)
            return
        self.apart += part is not None
        chosen = [*range(self.sizes[job.id][number])] if part is None else [part]
        if event.get("pass", 1) > 1:
            chosen = [one for one in chosen if part_key(job, number, one) not in held]
        for one in chosen:
            if (number, one) in self.hanging:
                yield FUNCTION_SECONDS - _OVERHEAD
                raise FailedError("Sandbox.Timedout")
            yield self.seconds_an_image
            if (number, one) in self.deadly:
                raise FailedError("Runtime.ExitError")
        key = outcome_key(job, number) if part is None else part_key(job, number, part)
        held[key] = len(chosen)

    def _finalizejob(self, event: Mapping[str, Any]) -> Process:
        yield 1.0
        job = self.jobs[event["job"]]
        self.jobs[job.id] = succeeded(job, self.backend.now().isoformat())
        self.ends[job.id] = self.clock.now
        return {"more": 0}


@contextmanager
def _planning_done_by(account: Account) -> Iterator[None]:
    """Let `next_step` plan jobs without an index: how they are cut is known."""

    def plan(_: Any, job_id: str, execution: int, **__: Any) -> tuple[Job, str]:
        sizes = account.sizes[job_id]
        job = begun(account.jobs[job_id], execution, account.backend.now().isoformat())
        job = planned(job, execution, "plan", sizes, instead_of=job.plan)
        weights = [size * _IMAGE_BYTES for size in sizes]
        account.documents[manifest_key(job)] = encode_manifest(job_id, sizes, weights)
        account.jobs[job_id] = job
        return job, ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dicomorph.services.work.next_step.plan_further", plan)
        yield
