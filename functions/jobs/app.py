"""Showing jobs."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer, json_answer
from dicomorph.services.job_view import job_json

app = build_resolver(get_backend)


@app.get("/jobs")
def list_jobs() -> Response[str]:
    """List the identifiers of all jobs, or whole jobs with ``expand``."""
    backend = get_backend()
    jobs = sorted(backend.jobs.all(), key=lambda job: job.id)
    if app.incoming.flag("expand"):
        return json_answer([job_json(backend, job) for job in jobs])
    return json_answer([job.id for job in jobs])


@app.get("/jobs/<job_id>")
def show_job(job_id: str) -> Response[str]:
    """Show one job."""
    backend = get_backend()
    job = backend.jobs.get(job_id)
    if job is None:
        return empty_answer(404)  # without the error body, as in Orthanc (spec 5)
    return json_answer(job_json(backend, job))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
