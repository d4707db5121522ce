"""First task of a job's workflow: cut its sources into batches."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.services.work.plan_job import plan_job, plan_of
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer how many batches there are for the execution of the event, and in which plan."""
    backend, job, execution = get_backend(), event["job"], event["execution"]
    batches = plan_job(backend, job, execution)
    return {"job": job, "execution": execution, "batches": batches, "plan": plan_of(backend, job)}
