"""Whatever no route takes: Orthanc's 404, or its 405 where the path takes other methods."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import chosen_backend
from dicomorph.http.resolver import build_resolver

app = build_resolver(chosen_backend)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
