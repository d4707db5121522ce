"""Splitting a study: submits a job, and waits for it unless asked not to."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.answers.jobs import answer_with_job, caller_of
from dicomorph.http.resolver import build_resolver
from dicomorph.services.submit.split import submit_split

app = build_resolver(get_backend)


@app.post("/studies/<study_id>/split")
def split_study(study_id: str) -> Response[Any]:
    """Answer with the content of the finished job, or with its id."""
    backend, request = get_backend(), app.incoming
    job = submit_split(backend, request.json_object(), study_id=study_id, caller=caller_of(request))
    return answer_with_job(app, backend, job)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
