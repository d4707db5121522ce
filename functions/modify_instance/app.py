"""Modification of one instance: the edited file is the answer, nothing is stored."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.answers.instances import answer_with_edited_instance
from dicomorph.http.resolver import build_resolver

app = build_resolver(get_backend)


@app.post("/instances/<instance_id>/modify")
def modify_instance(instance_id: str) -> Response[Any]:
    """Answer with a modified copy of an instance."""
    return answer_with_edited_instance(app, get_backend(), instance_id, is_anonymization=False)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
