"""What passes through the state machine, and how long its tasks wait for functions that are busy."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dicomorph.aws.clients import s3_client
from dicomorph.jobs.planning import BRIEF_SECONDS
from local.template import TEMPLATE, read_template

STACK = read_template()
DEFINITION = json.loads((TEMPLATE.parent / "statemachines/modification.asl.json").read_text(encoding="utf-8"))
BUSY = "Lambda.TooManyRequestsException"
EXPRESS_SECONDS = 300
ITEM_TASKS = ("EditBatch", "EditPart", "GiveUpPart")


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
MAPS = ("EditBatches", "EditLongBatches")


@pytest.mark.parametrize(("name", "task"), [(name, task) for name, task, _ in TASKS])
def test_a_task_is_told_of_a_job_and_numbers_only(name: str, task: dict[str, Any]) -> None:
    payload = task["Parameters"]["Payload"]
    told = {"job", "execution", "cursor", "batch", "part", "pass", "died", "failed"}
    assert {key.removesuffix(".$") for key in payload} <= told
    # What it answers is left out, but for what is next and where that goes on.
    assert ("ResultSelector" in task) == (name in ("PlanJob", "FinalizeJob"))
    assert task.get("ResultPath") in (None, "$", "$.ending")


@pytest.mark.parametrize("name", MAPS)
def test_the_items_of_a_map_stay_in_the_bucket(name: str) -> None:
    reader = DEFINITION["States"][name]["ItemReader"]
    assert reader["Parameters"]["Key.$"] == "States.Format('jobs/{}/manifests/{}.json', $.job, $.items)"
    assert "ItemSelector" not in DEFINITION["States"][name]


def _alike(node: Any) -> Any:
    """Return a part of the definition without its timeouts, and with the names of the other map's states."""
    if isinstance(node, list):
        return [_alike(one) for one in node]
    if isinstance(node, dict):
        return {_alike(key): _alike(value) for key, value in node.items() if key != "TimeoutSeconds"}
    return node.replace("Long", "") if isinstance(node, str) else node


def _names(states: dict[str, Any]) -> Iterator[str]:
    for name, state in states.items():
        yield name
        yield from _names(state.get("ItemProcessor", {}).get("States", {}))


def test_each_state_has_a_name_of_its_own() -> None:
    names = list(_names(DEFINITION["States"]))
    assert len(names) == len(set(names))


def test_both_maps_do_the_same_with_an_item_and_have_more_or_less_time_for_it() -> None:
    express, standard = (DEFINITION["States"][name]["ItemProcessor"] for name in MAPS)
    assert _alike(express["States"]) == _alike(standard["States"])
    modes = [one["ProcessorConfig"]["ExecutionType"] for one in (express, standard)]
    assert modes == ["EXPRESS", "STANDARD"]
    times = [one["States"][one["StartAt"]]["TimeoutSeconds"] for one in (express, standard)]
    function = STACK["Resources"]["EditBatchFunction"]["Properties"]["Timeout"]
    assert times[0] == 2 * BRIEF_SECONDS
    # What is taken apart takes as long again, and both fit into the item.
    assert 2 * times[0] <= EXPRESS_SECONDS - BRIEF_SECONDS
    assert times[1] > function == 900


def test_a_store_that_does_not_answer_is_given_up_before_the_state_of_a_worker() -> None:
    config: Any = s3_client().meta.config
    attempts = config.retries["total_max_attempts"]
    assert config.read_timeout * attempts < 2 * BRIEF_SECONDS


@pytest.mark.parametrize("name", ["EditBatch", "EditPart"])
def test_a_worker_that_hangs_is_taken_apart_and_one_that_was_never_called_is_not(name: str) -> None:
    tasks = [task for one, task, _ in TASKS if _alike(one) == name]
    assert len(tasks) == 2
    for task in tasks:
        retried = {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
        assert retried.isdisjoint({"Sandbox.Timedout", "States.Timeout", "States.ALL"})
        busy, other = task["Catch"]
        assert {BUSY, "TransientError", "Lambda.ServiceException"} <= set(busy["ErrorEquals"])
        assert _alike(busy["Next"]) in ("ItemDone", "PartDone")
        assert (other["ErrorEquals"], _alike(other["Next"])) in [
            (["States.ALL"], "ListParts"),
            (["States.ALL"], "GiveUpPart"),
        ]


def test_a_million_instances_leave_functions_to_the_api() -> None:
    assert STACK["Parameters"]["MaxConcurrency"]["Default"] <= 100
    assert {DEFINITION["States"][name]["MaxConcurrencyPath"] for name in MAPS} == {"$.concurrency"}
    reserved = STACK["Resources"]["EditBatchFunction"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["CapsWorkers", {"Ref": "WorkerConcurrency"}, {"Ref": "AWS::NoValue"}]}


def test_every_task_waits_for_functions_that_are_busy() -> None:
    assert {name for name, _, express in TASKS if express} == {"EditBatch", "EditPart", "GiveUpPart"}
    for name, task, express in TASKS:
        (retrier,) = (r for r in task["Retry"] if BUSY in r["ErrorEquals"])
        delays = [
            min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n, retrier["MaxDelaySeconds"])
            for n in range(retrier["MaxAttempts"])
        ]
        longest = sum(delays)
        waits_long = longest > 6 * EXPRESS_SECONDS
        assert longest < EXPRESS_SECONDS / 2 if express or _alike(name) in ITEM_TASKS else waits_long
