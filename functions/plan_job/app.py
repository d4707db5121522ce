"""First task of a job's workflow: cut its sources into batches."""

from __future__ import annotations

from typing import Any

from dicomorph.bootstrap import get_backend
from dicomorph.services.plan_job import plan_job


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer how many batches the job of the event has."""
    return {"job": event["job"], "batches": plan_job(get_backend(), event["job"])}
