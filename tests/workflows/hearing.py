"""Everything that others than the stores come to know of requests and jobs, to look for what was planted."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto.awslambda.models import LambdaFunction

from dicomorph.http.observability import get_logger

PATIENT_ID = "PLANTED-ID"
PATIENT_NAME = "PLANTED^NAME"
STUDY_UID = "1.2.826.0.1.3680043.10.424242"
PLANTED = [PATIENT_ID, PATIENT_NAME, STUDY_UID]


@dataclass
class Heard:
    """What others than the stores came to know."""

    lines: list[str] = field(default_factory=list)
    written: io.StringIO = field(default_factory=io.StringIO)

    def leaks(self, *secrets: str) -> list[str]:
        """Return the lines with one of the secrets in them."""
        return [line for line in self.lines if any(secret in line for secret in (*PLANTED, *secrets))]


class _Listener(logging.Handler):
    """Keeps all that a log record carries."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.INFO)  # Lambda's level; below it, botocore would log requests
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else ""
        self._heard.lines.append(f"{record.getMessage()} {record.__dict__} {trace}")


@contextmanager
def listening() -> Iterator[Heard]:
    """Listen to all logs, and to what Step Functions tells functions and hears from them."""
    heard = Heard()
    listener = _Listener(heard)
    powertools: Any = get_logger()  # does not propagate
    loggers: list[Any] = [logging.getLogger(), powertools]
    stream = powertools.handlers[0].setStream(heard.written)
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(listener)
        logger.setLevel(logging.INFO)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LambdaFunction, "invoke", _overheard(LambdaFunction.invoke, heard))
        yield heard
    powertools.handlers[0].setStream(stream)
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(listener)
        logger.setLevel(level)


def _overheard(invoke: Callable[..., Any], heard: Heard) -> Callable[..., Any]:
    def overheard(function: Any, body: Any, *arguments: Any) -> Any:
        answer = invoke(function, body, *arguments)
        heard.lines += [f"{function.function_name} got {body!r}", f"{function.function_name} said {answer!r}"]
        return answer

    return overheard


def read_executions(heard: Heard) -> list[str]:
    """Add everything that Step Functions keeps to what was heard; return the names of the executions."""
    states: Any = boto3.client("stepfunctions", "eu-central-1")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    names = []
    for execution in states.list_executions(stateMachineArn=machine)["executions"]:
        arn = execution["executionArn"]
        history = states.get_execution_history(executionArn=arn, maxResults=1000, includeExecutionData=True)
        runs = states.list_map_runs(executionArn=arn)["mapRuns"]
        for kept in (states.describe_execution(executionArn=arn), history["events"], runs):
            heard.lines.append(json.dumps(kept, default=str))
        names.append(execution["name"])
    return names


def close(heard: Heard, capture: pytest.CaptureFixture[str]) -> None:
    """Add what was written, by Powertools and by anything else."""
    heard.lines += [*capture.readouterr(), *heard.written.getvalue().splitlines()]


class Broken:
    """A port that fails, quoting a patient.

    Parameters
    ----------
    method, first : str
        Only this method, and only if its first argument contains this; by default everything fails.
    """

    def __init__(self, port: Any, method: str = "", first: str = "") -> None:
        self._port, self._method, self._first = port, method, first

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self._method in ("", name) and self._first in str(arguments[:1]):
                raise ValueError(f"No value for {PATIENT_NAME} of {PATIENT_ID}")
            return method(*arguments, **options)

        return call
