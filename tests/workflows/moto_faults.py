"""What moto 5.2.5 gets wrong, and what the tests do about it (what takes it long is `quick_moto`'s).

`test_moto_faults.py` reproduces each fault, so that a newer moto tells which of these can go.
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from moto.awslambda.models import LambdaFunction
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.stepfunctions.parser.api import HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

from tests.support.quick_moto import quick_aws

Handler: TypeAlias = Callable[[Any, object], Any]


class WorkerDiedError(Exception):
    """Raised by a handler in a test: its process died, as Lambda reports it."""


@contextmanager
def aws(handlers: Mapping[str, Handler] | None = None, *, empty_partitions: bool = False) -> Iterator[None]:
    """Mock AWS (see `quick_aws`); state machines run, and the functions in `handlers` in this process."""
    with (
        limits_of_account(),
        quick_aws({"stepfunctions": {"execute_state_machine": True}}, empty_partitions=empty_partitions),
        pytest.MonkeyPatch.context() as patch,
    ):
        invoke_in_process(patch, {} if handlers is None else handlers)
        iterate_over_map_items(patch)
        count_failed_map_items(patch)
        share_clients(patch)
        parse_definitions_once(patch)
        retry_at_once(patch)
        wait_a_moment(patch)
        take_turns(patch)
        yield


def invoke_in_process(patch: pytest.MonkeyPatch, handlers: Mapping[str, Handler]) -> None:
    """Call handlers instead of starting containers, and report their exceptions as Lambda does."""

    def invoke(function: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        try:
            answer = handlers[function.function_name](json.loads(body or b"{}"), None)
        except Exception as error:  # noqa: BLE001 - Lambda reports them all
            response_headers["x-amz-function-error"] = "Unhandled"
            kind = "Runtime.ExitError" if isinstance(error, WorkerDiedError) else type(error).__name__
            answer = {"errorType": kind, "errorMessage": str(error)}
        return json.dumps(answer).encode()

    patch.setattr(LambdaFunction, "invoke", invoke)


def iterate_over_map_items(patch: pytest.MonkeyPatch) -> None:
    """Let a map's worker loop over its items: it calls itself for each, and hangs near 980 of them."""

    def evaluate(worker: Any) -> None:
        job = worker._job_pool.next_job()
        while job is not None:
            frame = worker._env.open_inner_frame()
            worker._eval_job(env=frame, job=job)
            worker._env.delete_frame(frame)
            following = None if worker.stopped() else worker._job_pool.next_job()
            worker._job_pool.close_job(job)
            job = following

    patch.setattr(distributed_item_processor_worker.DistributedItemProcessorWorker, "eval", evaluate)


def count_failed_map_items(patch: pytest.MonkeyPatch) -> None:
    """Fail a distributed map when more items fail than it tolerates: moto swallows them all."""
    component_class = distributed_iteration_component.DistributedIterationComponent
    run = component_class._map_run

    def map_run(component: Any, env: Any, eval_input: Any) -> None:
        run(component, env=env, eval_input=eval_input)
        counter = eval_input.map_run_record.item_counter
        failed, total = counter.failed.get(), counter.total.get()
        tolerated = max(
            eval_input.tolerated_failure_count, eval_input.tolerated_failure_percentage * total / 100
        )
        if failed > tolerated:
            raise FailureEventException(
                FailureEvent(
                    env,
                    StatesErrorName(StatesErrorNameType.StatesExceedToleratedFailureThreshold),
                    HistoryEventType.MapRunFailed,
                    EventDetails(mapRunFailedEventDetails=MapRunFailedEventDetails()),  # type: ignore[typeddict-item]
                )
            )

    patch.setattr(component_class, "_map_run", map_run)


def share_clients(patch: pytest.MonkeyPatch) -> None:
    """Use one client a service: moto makes one for every task, which takes longer than the task."""
    shared = functools.cache(boto_client_for)

    def client_for(region: str, service: str, state_credentials: object = None) -> Any:
        return shared(region, service)

    for module in (lambda_eval_utils, resource_eval_s3):
        patch.setattr(module, "boto_client_for", client_for)


def parse_definitions_once(patch: pytest.MonkeyPatch) -> None:
    """Remember how a definition reads: moto parses it when it is created, and for each execution."""

    def parse(definition: str) -> tuple[Any, Any]:
        tree = _tree(definition)
        return Preprocessor().visit(tree), tree  # what an execution evaluates is its own

    patch.setattr(AmazonStateLanguageParser, "parse", staticmethod(parse))


@functools.cache
def _tree(definition: str, parse: Callable[[str], Any] = AmazonStateLanguageParser.parse) -> Any:
    return parse(definition)[1]


def retry_at_once(patch: pytest.MonkeyPatch) -> None:
    """Do not wait between retries: moto does, in real time."""

    class Time:
        sleep = staticmethod(lambda seconds: time.sleep(min(seconds, 0.01)))

    patch.setattr(retrier_decl, "time", Time)


def wait_a_moment(patch: pytest.MonkeyPatch) -> None:
    """Let no state wait for longer than a moment: moto waits in real time."""

    def wait(function: WaitFunction, env: Any, wait_seconds: int) -> None:
        time.sleep(min(wait_seconds, 0.05))

    patch.setattr(WaitFunction, "_wait_interval", wait)


@contextmanager
def limits_of_account() -> Iterator[None]:
    """Answer ``GetAccountSettings`` of Lambda, which moto does not know: an account of ten functions."""
    body = json.dumps({"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}})

    def answer(request: Any, **_: Any) -> AWSResponse:
        url = request.url
        request.url = "https://nobody.invalid/"  # all handlers are asked: moto must not hear of it
        return AWSResponse(url, 200, {}, MockRawResponse(body))  # type: ignore[arg-type]

    handler = ("before-send.lambda.GetAccountSettings", answer)
    BUILTIN_HANDLERS.insert(0, handler)
    try:
        yield
    finally:
        BUILTIN_HANDLERS.remove(handler)


def take_turns(patch: pytest.MonkeyPatch) -> None:
    """Let one call at a time into a store: moto has no locks, and threads break its tables."""
    locks = {"dynamodb": threading.RLock(), "s3": threading.RLock()}
    answer = BotocoreStubber.__call__

    def answer_in_turn(stubber: BotocoreStubber, event_name: str, request: Any, **kwargs: Any) -> Any:
        with locks.get(event_name.split(".")[1], contextlib.nullcontext()):
            return answer(stubber, event_name, request, **kwargs)

    patch.setattr(BotocoreStubber, "__call__", answer_in_turn)


def parseable(definition: str) -> str:
    """Return a definition in the words that moto's parser knows: it rejects two that AWS has."""
    document = json.loads(definition)
    _adapt(document)
    return json.dumps(document)


def _adapt(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _adapt(item)
    elif isinstance(node, dict):
        if "ToleratedFailurePercentage" in node:
            node["ToleratedFailurePercentage"] = float(node["ToleratedFailurePercentage"])
        if node.get("ExecutionType") == "EXPRESS":
            node["ExecutionType"] = "STANDARD"
        for item in node.values():
            _adapt(item)
