"""Answers to the routes that submit a job (spec 2.4)."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.large_answers import UNANSWERED, long_answer
from dicomorph.http.reading.requests import Request
from dicomorph.http.resolver import OrthancResolver
from dicomorph.http.responses import json_answer
from dicomorph.jobs.model import Job
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.fields import is_synchronous
from dicomorph.services.jobs.records import job_content
from dicomorph.services.jobs.waiting import wait_for_job
from dicomorph.services.submit.start_job import Caller


def caller_of(request: Request) -> Caller:
    """Return who asks."""
    return Caller(remote_ip=request.remote_ip, principal=request.principal)


def answer_with_job(app: OrthancResolver, backend: Backend, job: Job) -> Response[Any]:
    """Answer the content of a job that was submitted, or its id if nobody waits for it.

    Raises
    ------
    TimeLimitError
        If a synchronous job outlives the invocation, or the client has gone; it goes on.
    """
    app.access.job = job.id
    if not is_synchronous(app.incoming.json_object()):
        return json_answer({"ID": job.id, "Path": f"/jobs/{job.id}"})
    done = wait_for_job(backend, job.id, seconds=lambda: app.seconds_left)
    deadline = Deadline(lambda: app.seconds_left, UNANSWERED, job_id=job.id)
    return long_answer(backend, job_content(backend, done), deadline)
