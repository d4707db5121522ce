"""Worker of a job's workflow: edit one batch, or one instance of it whose batch killed its worker."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.jobs.items import is_again
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.give_up import give_up
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Edit what the event names; the outcome is a document, not the answer."""
    backend, job, batch, part = get_backend(), event["job"], event["batch"], event.get("part")
    if event.get("died"):
        give_up(backend, job, batch, event["part"])
    else:
        edit_batch(backend, job, batch, part=part, is_again=is_again(event.get("pass", 1)))
