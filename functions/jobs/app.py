"""Showing jobs, stopping them, starting them again, forgetting them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.large_answers import UNANSWERED, long_answer
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer, json_answer
from dicomorph.model.errors import InexistentItemError
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.jobs.actions import cancel_job, delete_job, pause_job, resubmit_job, resume_job
from dicomorph.services.jobs.history import listed_jobs
from dicomorph.services.jobs.view import job_json

app = build_resolver(get_backend)


@app.get("/jobs")
def list_jobs() -> Response[str]:
    """List the identifiers of all jobs, or whole jobs with ``expand``."""
    backend = get_backend()
    jobs = listed_jobs(backend)
    if app.incoming.flag("expand"):
        views = backend.side_by_side(lambda job: job_json(backend, job), jobs)
        return long_answer(backend, views, Deadline(lambda: app.seconds_left, UNANSWERED))
    return json_answer([job.id for job in jobs])


@app.get("/jobs/<job_id>")
def show_job(job_id: str) -> Response[str]:
    """Show one job."""
    backend = get_backend()
    job = backend.jobs.get(job_id)
    if job is None:
        return empty_answer(404)  # without the error body, as in Orthanc (spec 5)
    deadline = Deadline(lambda: app.seconds_left, UNANSWERED, job_id=job_id)
    return long_answer(backend, job_json(backend, job, is_alone=True), deadline)


@app.delete("/jobs/<job_id>")
def forget(job_id: str) -> Response[str]:
    """Forget a job that has ended."""
    delete_job(get_backend(), job_id)
    return empty_answer()


@app.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response[str]:
    """Let a job fail as cancelled."""
    return _act(cancel_job, job_id)


@app.post("/jobs/<job_id>/pause")
def pause(job_id: str) -> Response[str]:
    """Interrupt a job."""
    return _act(pause_job, job_id)


@app.post("/jobs/<job_id>/resume")
def resume(job_id: str) -> Response[str]:
    """Let a paused job go on."""
    return _act(resume_job, job_id)


@app.post("/jobs/<job_id>/resubmit")
def resubmit(job_id: str) -> Response[str]:
    """Let a failed job begin again."""
    return _act(resubmit_job, job_id)


@app.get("/jobs/<job_id>/<key>")
@app.delete("/jobs/<job_id>/<key>")
def find_output(job_id: str, key: str) -> Response[str]:  # noqa: ARG001 - the router passes both
    """Answer as for a job that has no output of this name, which no kind of job has yet."""
    raise InexistentItemError


def _act(action: Callable[[Backend, str], None], job_id: str) -> Response[str]:
    """Answer an empty object; a job that is not there, or not in the right state, as Orthanc does."""
    try:
        action(get_backend(), job_id)
    except InexistentItemError:
        return empty_answer(400)
    return json_answer({})


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
