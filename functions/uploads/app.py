"""Uploads that go past the API: offering a place for a file, and telling what became of it."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer, json_answer
from dicomorph.services.backend import Backend
from dicomorph.services.uploads.begin import begin
from dicomorph.services.uploads.complete import complete, give_up
from dicomorph.services.uploads.offering import renew
from dicomorph.services.uploads.view import view

app = build_resolver(get_backend)


@app.post("/uploads")
def offer() -> Response[str]:
    """Offer a place for the file that the body announces."""
    backend = get_backend()
    return json_answer(begin(backend, app.incoming.json_object(), address=_address(backend)))


@app.get("/uploads/<upload_id>")
def show(upload_id: str) -> Response[str]:
    """Show how far an upload has come."""
    return json_answer(view(get_backend(), upload_id))


@app.post("/uploads/<upload_id>/renew")
def offer_again(upload_id: str) -> Response[str]:
    """Offer the same place for longer."""
    backend = get_backend()
    return json_answer(renew(backend, upload_id, address=_address(backend)))


@app.post("/uploads/<upload_id>/complete")
def put_together(upload_id: str) -> Response[str]:
    """Make a file of the parts that were sent."""
    return json_answer(complete(get_backend(), upload_id))


@app.delete("/uploads/<upload_id>")
def forget(upload_id: str) -> Response[str]:
    """Give an upload up."""
    give_up(get_backend(), upload_id)
    return empty_answer()


def _address(backend: Backend) -> str:
    return app.incoming.address(is_tls=backend.settings.ssl_enabled)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
