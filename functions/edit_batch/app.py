"""Worker of a job's workflow: edit one batch, or one instance of it whose batch killed its worker."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda's signature
    """Edit what the event names; the outcome is a document, not the answer."""
    edit_batch(get_backend(), event["job"], event["batch"], part=event.get("part"))
