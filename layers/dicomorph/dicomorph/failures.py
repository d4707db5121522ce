"""Failures told without what they held: the message of an exception may quote a value."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from dicomorph.model.errors import DicomorphError, InternalError

_MOST_CAUSES = 5
_Task = TypeVar("_Task", bound=Callable[..., Any])
_logger = logging.getLogger(__name__)


def causes(error: BaseException | None) -> list[str]:
    """Return the types and places of an exception and of what led to it, the last one first."""
    found: list[str] = []
    while error is not None and len(found) < _MOST_CAUSES:
        found.append(f"{type(error).__name__} at {_place(error)}")
        error = error.__cause__ or error.__context__
    return found


def workflow_task(handler: _Task) -> _Task:
    """Let a task of a job's workflow fail without telling what it held.

    Lambda writes the message of what a handler raises into its log, and Step Functions keeps
    it in the history of the execution. Both get the type of the project's own errors, by which
    the workflow decides whether to retry, and nothing else.
    """

    @functools.wraps(handler)
    def run(event: dict[str, Any], context: object) -> Any:
        try:
            return handler(event, context)
        except Exception as error:  # noqa: BLE001 - Lambda would tell whatever it is
            _logger.error("Failed: %s", ", ".join(causes(error)))  # noqa: TRY400 - a traceback quotes
            kind = type(error) if isinstance(error, DicomorphError) else InternalError
        raise kind

    return run  # type: ignore[return-value]


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{_module_path(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"


def _module_path(file_name: str) -> str:
    return "/".join(file_name.replace("\\", "/").split("/")[-2:])
