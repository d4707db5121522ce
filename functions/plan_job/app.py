"""First task of a job's workflow, and between its maps: what is to be done next."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.services.work.budget import budget_of
from dicomorph.services.work.next_step import next_step
from dicomorph.services.work.plan_job import plan_job, plan_of
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer what the workflow does next; without a cursor, how many batches there are, and in which plan.

    The latter is what the embedded server asks, and executions that began before there were cursors.
    """
    backend, job, execution = get_backend(), event["job"], event["execution"]
    if "cursor" not in event:
        batches = plan_job(backend, job, execution)
        return {"job": job, "execution": execution, "batches": batches, "plan": plan_of(backend, job)}
    step = next_step(backend, job, execution, event["cursor"], budget_of(context))
    return {"job": job, "execution": execution, **step.to_json()}
