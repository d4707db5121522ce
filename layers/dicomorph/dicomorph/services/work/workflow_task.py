"""What the tasks of a job's workflow let Lambda and Step Functions hear of a failure."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.model.failures import causes

_Task = TypeVar("_Task", bound=Callable[..., Any])
_logger = logging.getLogger(__name__)


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
