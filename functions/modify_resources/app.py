"""Modification of patients, studies and series: submits a job, and waits for it unless asked not to."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.job_answers import answer_with_job, caller_of
from dicomorph.http.resolver import build_resolver
from dicomorph.model.resources import Level
from dicomorph.services.submit_modification import submit_bulk_modification, submit_modification

app = build_resolver(get_backend)


@app.on_levels("POST", "/<resource_id>/modify", levels=(Level.PATIENT, Level.STUDY, Level.SERIES))
def modify_resource(resource_id: str) -> Response[Any]:
    """Answer with the content of the finished job, or with its id."""
    backend, request = get_backend(), app.incoming
    job = submit_modification(
        backend,
        request.json_object(),
        level=request.level,
        resource_id=resource_id,
        is_anonymization=False,
        caller=caller_of(request),
    )
    return answer_with_job(app, backend, job)


@app.post("/tools/bulk-modify")
def modify_resources() -> Response[Any]:
    """Do the same for the resources that the body names."""
    backend, request = get_backend(), app.incoming
    job = submit_bulk_modification(
        backend, request.json_object(), is_anonymization=False, caller=caller_of(request)
    )
    return answer_with_job(app, backend, job)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
