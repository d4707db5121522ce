"""A million instances fit into the steps of planning and finalization; their calls are counted under moto."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.simulation.steps import (
    FUNCTION_SECONDS,
    Phase,
    Size,
    end_phases,
    image_calls,
    plan_phases,
    steps,
    summary,
)
from tests.support.idle_runner import IdleRunner
from tests.workflows.stack import Stack, deployed

BATCH = 3
GROWING = ("PutObject", "GetObject", "HeadObject", "BatchGetItem", "TransactWriteItems")
MILLION = Size(instances=1_000_000, series=4_000)


def counted(stack: Stack, work: Callable[[], object]) -> Counter[str]:
    """Return the calls that some work makes."""
    calls = Counter[str]()
    objects: Any = stack.backend.objects
    index: Any = stack.backend.index
    clients = (objects._client, index.catalogue._table._client)

    def see(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    for client in clients:
        client.meta.events.register("before-call", see)
    work()
    for client in clients:
        client.meta.events.unregister("before-call", see)
    return calls


def calls_of_job(instances: int, body: dict[str, Any]) -> tuple[Counter[str], Counter[str]]:
    """Run a job that deletes its sources; return the calls of its plan and of its end."""
    limits = PlannerLimits(batch_instances=BATCH, small_job_instances=0)
    with deployed(limits) as stack:
        stack.backend = replace(stack.backend, runner=IdleRunner(), documents_at_once=4)
        job = stack.submit(stack.upload("PAT", instances), KeepSource=False, **body)
        plan = counted(stack, lambda: plan_job(stack.backend, job.id))
        for number in range(instances // BATCH):
            edit_batch(stack.backend, job.id, number)
        end = counted(stack, lambda: finalize_job(stack.backend, job.id))
        done = stack.backend.jobs.get(job.id)
        assert done is not None
        assert done.state is JobState.SUCCESS
        assert stack.backend.index.catalogue.statistics().instances == instances
    return plan, end


def modelled(phases: list[Phase]) -> Counter[str]:
    calls = Counter[str]()
    for phase in phases:
        calls.update(phase.calls)
    return calls


@pytest.mark.parametrize("names_identifiers", [pytest.param(False, marks=pytest.mark.slow), True])
def test_plan_and_end_of_a_job_make_the_calls_that_the_simulation_has(*, names_identifiers: bool) -> None:
    body = {"Replace": {"PatientID": "NEW"}, "Force": True} if names_identifiers else {}
    few, many = (calls_of_job(count, body) for count in (6, 18))
    sizes = [Size(instances=count, series=1, batch=BATCH) for count in (6, 18)]
    plans = [modelled(plan_phases(size, names_identifiers=names_identifiers, keeps=False)) for size in sizes]
    ends = [modelled([summary(size), *end_phases(size, keeps=False, counts=False)]) for size in sizes]
    for name in GROWING:
        assert many[0][name] - few[0][name] == plans[1][name] - plans[0][name], name
        assert many[1][name] - few[1][name] == ends[1][name] - ends[0][name], name


def test_a_worker_makes_the_calls_for_each_image_that_the_simulation_has() -> None:
    limits = PlannerLimits(batch_instances=9, small_job_instances=0)
    found = []
    with deployed(limits) as stack:
        stack.backend = replace(stack.backend, runner=IdleRunner())
        for patient, count in (("FEW", 3), ("MANY", 9)):
            job = stack.submit(stack.upload(patient, count))
            plan_job(stack.backend, job.id)
            found.append(counted(stack, lambda job=job: edit_batch(stack.backend, job.id, 0)))  # type: ignore[misc]
    few, many = found
    assert {name: (many[name] - few[name]) / 6 for name in image_calls()} == image_calls()


@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_a_million_instances_are_planned_in_the_time_of_the_function(factor: float) -> None:
    for phases in (
        plan_phases(MILLION),
        plan_phases(MILLION, names_identifiers=True, keeps=False, follows=True),
    ):
        assert max(steps(phases, factor)) < FUNCTION_SECONDS


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_a_million_instances_are_summed_up_in_steps_of_the_function(factor: float, *, keeps: bool) -> None:
    before = summary(MILLION).seconds(factor)
    found = steps(end_phases(MILLION, keeps=keeps), factor, before=before)
    assert max(found) < FUNCTION_SECONDS
    assert len(found) < 20  # each step begins with the summary
