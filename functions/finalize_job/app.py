"""Last task of a job's workflow: decide from the recorded outcomes how the job ended."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """End the job of the event; ``failed`` says that a step of its workflow crashed."""
    end = abandon_job if event.get("failed") else finalize_job
    end(get_backend(), event["job"], event["execution"])
