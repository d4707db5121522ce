"""Takes in what arrives in the bucket, as the queue tells; every hour, tells for how long it has waited."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_ingestion
from dicomorph.services.work.workflow_task import workflow_task


@workflow_task
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work off some messages, and return those that are to come again (or the schedule's event, nothing)."""
    ingestion = get_ingestion()
    if "Records" not in event:
        print(ingestion.watch(), flush=True)  # noqa: T201 - CloudWatch reads the metrics as they stand
        return {}
    failed = ingestion.handle(
        event["Records"], remaining=lambda: context.get_remaining_time_in_millis() / 1000
    )
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
