"""Answers to the routes that submit a job (spec 2.4)."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.resolver import OrthancResolver
from dicomorph.http.responses import json_answer
from dicomorph.services.backend import Backend
from dicomorph.services.job_options import is_synchronous
from dicomorph.services.submit_job import Caller, submit_job
from dicomorph.services.wait_for_job import wait_for_job


def answer_with_job(
    app: OrthancResolver, backend: Backend, resource_id: str, *, is_anonymization: bool
) -> Response[Any]:
    """Submit a job for the resource in the path; answer its content, or its id if nobody waits for it.

    Raises
    ------
    TimeLimitError
        If a synchronous job outlives the invocation; it goes on.
    """
    request = app.incoming
    body = request.json_object()
    job = submit_job(
        backend,
        body,
        level=request.level,
        resource_ids=(resource_id,),
        is_anonymization=is_anonymization,
        caller=Caller(remote_ip=request.remote_ip),
    )
    if not is_synchronous(body):
        return json_answer({"ID": job.id, "Path": f"/jobs/{job.id}"})
    done = wait_for_job(backend, job.id, seconds=app.seconds_left)
    return json_answer(dict(done.content))
