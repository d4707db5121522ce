"""Writing metadata and labels, at every level."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.answers.metadata import given_etag, write_answer
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer
from dicomorph.services.annotate.labels import add_label, remove_label
from dicomorph.services.annotate.metadata import delete_metadata, write_metadata

app = build_resolver(get_backend)


@app.on_levels("PUT", "/<resource_id>/metadata/<name>")
def put_metadata(resource_id: str, name: str) -> Response[str]:
    """Set a metadata to the body."""
    request = app.incoming
    etag = given_etag(request, "if-match")
    return write_answer(
        *write_metadata(get_backend(), request.level, resource_id, name, request.text(), etag=etag)
    )


@app.on_levels("DELETE", "/<resource_id>/metadata/<name>")
def remove_metadata(resource_id: str, name: str) -> Response[str]:
    """Delete a metadata."""
    request = app.incoming
    etag = given_etag(request, "if-match")
    return write_answer(delete_metadata(get_backend(), request.level, resource_id, name, etag=etag))


@app.on_levels("PUT", "/<resource_id>/labels/<label>")
def put_label(resource_id: str, label: str) -> Response[str]:
    """Add a label."""
    add_label(get_backend(), app.incoming.level, resource_id, label)
    return empty_answer()


@app.on_levels("DELETE", "/<resource_id>/labels/<label>")
def delete_label(resource_id: str, label: str) -> Response[str]:
    """Remove a label."""
    remove_label(get_backend(), app.incoming.level, resource_id, label)
    return empty_answer()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
