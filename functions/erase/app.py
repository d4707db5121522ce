"""Every few minutes: finish the deletions whose calls were cut short, and find the jobs that nothing runs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.services.erasure.unfinished import finish_erasures
from dicomorph.services.jobs.lost_jobs import fail_lost_jobs
from dicomorph.services.work.workflow_task import workflow_task

# Together so long that a run ends before the next one begins; the rest of the 900 is for what is slow.
_SECONDS = 240
_SECONDS_OF_JOBS = 30


@workflow_task
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's signature
    """Work for some minutes; the event says nothing that matters."""
    backend = get_backend()
    try:
        finish_erasures(backend, seconds=min(_SECONDS, context.get_remaining_time_in_millis() / 1000))
    finally:  # whatever becomes of the deletions
        fail_lost_jobs(backend, seconds=_SECONDS_OF_JOBS)
