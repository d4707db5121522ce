"""Modification of patients, studies and series: submits a job, and waits for it unless asked not to."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.answers.modifications import answer_with_bulk_modification, answer_with_modification
from dicomorph.http.resolver import build_resolver
from dicomorph.model.resources import Level

app = build_resolver(get_backend)


@app.on_levels("POST", "/<resource_id>/modify", levels=(Level.PATIENT, Level.STUDY, Level.SERIES))
def modify_resource(resource_id: str) -> Response[Any]:
    """Answer with the content of the finished job, or with its id."""
    return answer_with_modification(app, get_backend(), resource_id, is_anonymization=False)


@app.post("/tools/bulk-modify")
def modify_resources() -> Response[Any]:
    """Do the same for the resources that the body names."""
    return answer_with_bulk_modification(app, get_backend(), is_anonymization=False)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
