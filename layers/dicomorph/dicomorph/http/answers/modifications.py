"""Answers to the routes that modify or anonymize patients, studies and series."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.answers.jobs import answer_with_job, caller_of
from dicomorph.http.resolver import OrthancResolver
from dicomorph.services.backend import Backend
from dicomorph.services.submit.modification import submit_bulk_modification, submit_modification


def answer_with_modification(
    app: OrthancResolver, backend: Backend, resource_id: str, *, is_anonymization: bool
) -> Response[Any]:
    """Submit a job for a patient, study or series; answer as `answer_with_job`."""
    request = app.incoming
    job = submit_modification(
        backend,
        request.json_object(),
        level=request.level,
        resource_id=resource_id,
        is_anonymization=is_anonymization,
        caller=caller_of(request),
    )
    return answer_with_job(app, backend, job)


def answer_with_bulk_modification(
    app: OrthancResolver, backend: Backend, *, is_anonymization: bool
) -> Response[Any]:
    """Do the same for the resources that the body names."""
    request = app.incoming
    job = submit_bulk_modification(
        backend, request.json_object(), is_anonymization=is_anonymization, caller=caller_of(request)
    )
    return answer_with_job(app, backend, job)
