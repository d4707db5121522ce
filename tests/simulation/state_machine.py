"""Step Functions on a simulated clock: it reads the definition itself, with its retries and timeouts.

As much of Amazon States Language as ``statemachines/modification.asl.json`` has.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from local.template import TEMPLATE
from tests.simulation.clock import Clock, Process, all_of

EXPRESS_SECONDS = 300.0
"""Of an Express execution, at most."""

_TRANSITION = 0.02  # seconds
_START_OF_A_MAP = 2.0

Invoke = Callable[[str, Mapping[str, Any]], Process]
Items = Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]]


def read_definition() -> dict[str, Any]:
    """Return the definition that is deployed."""
    path = TEMPLATE.parent / "statemachines/modification.asl.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


class FailedError(Exception):
    """A state has failed with an error of this name."""


class StateMachine:
    """Executions of one definition.

    Parameters
    ----------
    invoke : Invoke
        Calls a function: a process that returns what it answers, or raises `FailedError`.
    items : Items
        Reads what a map goes through.
    """

    def __init__(
        self, clock: Clock, definition: Mapping[str, Any], invoke: Invoke, items: Items, *, seed: int = 0
    ) -> None:
        self.clock = clock
        self.events = Counter[str]()
        self._definition = definition
        self._invoke = invoke
        self._items = items
        self._random = random.Random(seed)  # noqa: S311 - a simulation that can be repeated

    def execute(self, state: dict[str, Any]) -> Process:
        """Run an execution; return how it ended."""
        try:
            yield from self._run(self._definition, state, counted=state["job"])
        except FailedError as failure:
            return f"FAILED: {failure}"
        return "SUCCEEDED"

    def _run(self, machine: Mapping[str, Any], data: Any, *, counted: str = "") -> Process:
        name: str | None = machine["StartAt"]
        while name is not None:
            if counted:
                self.events[counted] += 7  # of a task: entered, scheduled, ... , exited
            state = machine["States"][name]
            yield _TRANSITION
            if state["Type"] == "Fail":
                raise FailedError(state["Error"])
            data, name = yield from self._state(state, data)
        return data

    def _state(self, state: Mapping[str, Any], data: Any) -> Process:
        kind = state["Type"]
        if kind == "Choice":
            return data, _chosen(state, data)
        if kind == "Wait":
            yield float(_at(data, state["SecondsPath"]))
        elif kind == "Pass":
            data = state["Result"] if "Result" in state else _filled(state["Parameters"], data)
        elif kind in ("Task", "Map"):
            return (yield from self._with_retries(state, data))
        return data, state.get("Next")

    def _with_retries(self, state: Mapping[str, Any], data: Any) -> Process:
        spent: dict[int, int] = {}
        while True:
            try:
                result = yield from (self._task if state["Type"] == "Task" else self._map)(state, data)
            except FailedError as failure:
                delay = self._delay(state, str(failure), spent)
                if delay is not None:
                    yield delay
                    continue
                for catcher in state.get("Catch", ()):
                    if _names(catcher, str(failure)):
                        return data, catcher["Next"]
                raise
            return _placed(state, data, result), state.get("Next")

    def _delay(self, state: Mapping[str, Any], error: str, spent: dict[int, int]) -> float | None:
        for number, retrier in enumerate(state.get("Retry", ())):
            if _names(retrier, error):
                count = spent.get(number, 0)
                if count == retrier["MaxAttempts"]:
                    return None
                spent[number] = count + 1
                delay = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** count
                delay = min(delay, retrier.get("MaxDelaySeconds", delay))
                return self._random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay
        return None

    def _task(self, state: Mapping[str, Any], data: Any) -> Process:
        parameters = state["Parameters"]
        payload = _filled(parameters["Payload"], data)
        # A state that times out does not stop its function.
        call = self.clock.spawn(self._called(parameters["FunctionName"], payload), is_detached=True)
        waiter = self.clock.spawn(all_of([call]))
        if not (yield self.clock.within(waiter, state.get("TimeoutSeconds", 99_999_999))):
            raise FailedError("States.Timeout")
        error, answer = call.end.value
        if error:
            raise FailedError(error)
        return {"Payload": answer}

    def _called(self, function: str, payload: Mapping[str, Any]) -> Process:
        try:
            return "", (yield from self._invoke(function, payload))
        except FailedError as failure:
            return str(failure), None

    def _map(self, state: Mapping[str, Any], data: Any) -> Process:
        processor = state["ItemProcessor"]
        config = processor["ProcessorConfig"]
        if config["Mode"] == "DISTRIBUTED":
            yield _START_OF_A_MAP
            items: Iterator[Any] = iter(self._items(data))
            most = _at(data, state["MaxConcurrencyPath"])
        else:
            selector = state["ItemSelector"]
            values = _at(data, state["ItemsPath"])
            items = iter([_filled(selector, data, item) for item in values])
            most = state["MaxConcurrency"]
        limit = EXPRESS_SECONDS if config.get("ExecutionType") == "EXPRESS" else None
        yield from all_of([self.clock.spawn(self._work_off(processor, items, limit)) for _ in range(most)])
        return None

    def _work_off(self, processor: Mapping[str, Any], items: Iterator[Any], limit: float | None) -> Process:
        for item in items:
            child = self.clock.spawn(self._child(processor, item))
            yield child.end if limit is None else self.clock.within(child, limit)

    def _child(self, processor: Mapping[str, Any], item: Any) -> Process:
        try:
            yield from self._run(processor, item)
        except FailedError:
            return


def _names(rule: Mapping[str, Any], error: str) -> bool:
    return error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _chosen(state: Mapping[str, Any], data: Any) -> str:
    for choice in state["Choices"]:
        found = _at(data, choice["Variable"])
        if found in (choice.get("StringEquals"), choice.get("NumericEquals")):
            return str(choice["Next"])
    return str(state["Default"])


def _placed(state: Mapping[str, Any], data: Any, result: Any) -> Any:
    path = state["ResultPath"]
    if path is None:
        return data
    result = _filled(state["ResultSelector"], result)
    return result if path == "$" else {**data, path.removeprefix("$."): result}


def _filled(template: Any, data: Any, item: Any = None) -> Any:
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _value(value, data, item)
        if key.endswith(".$")
        else _filled(value, data, item)
        for key, value in template.items()
    }


def _value(expression: str, data: Any, item: Any) -> Any:
    if expression == "$$.Map.Item.Value":
        return item
    if expression.startswith("States.ArrayRange(0, States.MathAdd($.instances, -1), 1)"):
        return list(range(data["instances"]))
    return _at(data, expression)


def _at(data: Any, path: str) -> Any:
    for name in path.split(".")[1:]:
        data = data[name]
    return data
