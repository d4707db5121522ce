"""The server itself: a page for people, what it is, what it holds, its clock, its default encoding."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.answers.welcome import WELCOME
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import json_answer, page_answer, text_answer
from dicomorph.services.server.default_encoding import change_default_encoding, default_encoding
from dicomorph.services.server.now import now
from dicomorph.services.server.statistics import statistics
from dicomorph.services.server.system import system

app = build_resolver(get_backend)


@app.get("/")
def show_page() -> Response[str]:
    """Show people in a browser what this is."""
    return page_answer(WELCOME)


@app.get("/system")
def show_system() -> Response[str]:
    """Describe the server."""
    return json_answer(system(get_backend()))


@app.get("/statistics")
def show_statistics() -> Response[str]:
    """Count what is stored."""
    return json_answer(statistics(get_backend()))


@app.get("/tools/now")
def show_now() -> Response[str]:
    """Tell the time."""
    return text_answer(now(get_backend()))


@app.get("/tools/default-encoding")
def show_default_encoding() -> Response[str]:
    """Name the default encoding."""
    return text_answer(default_encoding(get_backend()))


@app.put("/tools/default-encoding")
def put_default_encoding() -> Response[str]:
    """Change the default encoding to the one that the body names."""
    return text_answer(change_default_encoding(get_backend(), app.incoming.text()))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
