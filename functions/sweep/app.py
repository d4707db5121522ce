"""Every hour: look for files that nothing refers to, in the parts of the store whose turn it is."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_sweeper
from dicomorph.services.work.workflow_task import workflow_task

_SECONDS = 600  # the rest of the 900 is for a step that is slow


@workflow_task
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's signature
    """Work for some minutes; the event says nothing that matters."""
    get_sweeper().run(seconds=min(_SECONDS, context.get_remaining_time_in_millis() / 1000))
