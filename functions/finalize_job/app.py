"""Last task of a job's workflow: decide from the recorded outcomes how the job ended."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.jobs.ending import read_end_cursor
from dicomorph.services.work.budget import budget_of
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """End the job of the event, or answer where the next call goes on; ``failed``: a step has crashed.

    Who gives no cursor does not call again: the embedded server, and executions that began before
    there were cursors.
    """
    backend, job, execution = get_backend(), event["job"], event["execution"]
    if event.get("failed"):
        abandon_job(backend, job, execution)
        return {"more": 0}
    if "cursor" not in event:
        finalize_job(backend, job, execution)
        return {"more": 0}
    cursor = read_end_cursor(event["cursor"])
    left = finalize_job(backend, job, execution, cursor=cursor, budget=budget_of(context))
    return {"more": 0} if left is None else {"more": 1, **left.to_json()}
