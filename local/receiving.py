"""Files that are sent to an address that ``POST /uploads`` has offered: on AWS, S3 takes them."""

from __future__ import annotations

from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from dicomorph.bootstrap import get_backend
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer
from dicomorph.services.uploads.receive import check_file, expected_upload, take_in
from local.template import Route

RECEIVING: Final = Route("PUT", "/uploads/{id}/{ticket}", "receiving")
"""A route of this server alone."""

app = build_resolver(get_backend)


@app.put("/uploads/<upload_id>/<ticket>")
def receive(upload_id: str, ticket: str) -> Response[str]:
    """Take in a file that is what was announced; whether it could be stored is told by the upload."""
    backend, request = get_backend(), app.incoming
    upload = expected_upload(backend, upload_id, ticket)
    check_file(upload.announced, request.body)
    take_in(backend, upload_id, request.body, remote_ip=request.remote_ip)
    return empty_answer()


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a proxy event of this server."""
    return app.resolve(event, context)
