"""What passes through the state machine, and how long its tasks wait for functions that are busy."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.template import TEMPLATE, read_template

STACK = read_template()
DEFINITION = json.loads((TEMPLATE.parent / "statemachines/modification.asl.json").read_text(encoding="utf-8"))
BUSY = "Lambda.TooManyRequestsException"
EXPRESS_SECONDS = 300


def _tasks(states: dict[str, Any], *, express: bool = False) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield each task with its name, and whether it runs in an Express execution."""
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state, express
        if state["Type"] == "Map":
            processor = state["ItemProcessor"]
            mode = processor["ProcessorConfig"].get("ExecutionType")
            yield from _tasks(processor["States"], express=express or mode == "EXPRESS")


TASKS = list(_tasks(DEFINITION["States"]))


@pytest.mark.parametrize(("name", "task"), [(name, task) for name, task, _ in TASKS])
def test_a_task_is_told_of_a_job_and_numbers_only(name: str, task: dict[str, Any]) -> None:
    payload = task["Parameters"]["Payload"]
    assert {key.removesuffix(".$") for key in payload} <= {"job", "execution", "batch", "part", "failed"}
    # What it answers is left out, but for the number of batches, and the plan that lists them.
    assert ("ResultSelector" in task) == (name == "PlanJob")
    assert task.get("ResultPath") in (None, "$")


def test_the_items_of_the_map_stay_in_the_bucket() -> None:
    reader = DEFINITION["States"]["EditBatches"]["ItemReader"]
    assert reader["Parameters"]["Key.$"] == "States.Format('jobs/{}/manifests/{}.json', $.job, $.plan)"
    assert "ItemSelector" not in DEFINITION["States"]["EditBatches"]


def test_a_million_instances_leave_functions_to_the_api() -> None:
    assert STACK["Parameters"]["MaxConcurrency"]["Default"] <= 100
    assert DEFINITION["States"]["EditBatches"]["MaxConcurrencyPath"] == "$.concurrency"
    reserved = STACK["Resources"]["EditBatchFunction"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["CapsWorkers", {"Ref": "WorkerConcurrency"}, {"Ref": "AWS::NoValue"}]}


def test_every_task_waits_for_functions_that_are_busy() -> None:
    assert {name for name, _, express in TASKS if express} == {"EditBatch", "EditPart"}
    for _, task, express in TASKS:
        (retrier,) = (r for r in task["Retry"] if BUSY in r["ErrorEquals"])
        delays = [
            min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n, retrier["MaxDelaySeconds"])
            for n in range(retrier["MaxAttempts"])
        ]
        longest = sum(delays)
        assert longest < EXPRESS_SECONDS / 2 if express else longest > 6 * EXPRESS_SECONDS
