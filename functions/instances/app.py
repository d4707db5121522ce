"""Storing instances, and deleting resources at every level."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer, json_answer
from dicomorph.model.errors import UnknownResourceError
from dicomorph.services.store.bulk_delete import bulk_delete
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.store.store_instance import store_instance

app = build_resolver(get_backend)


@app.post("/instances")
def store() -> Response[str]:
    """Store the DICOM file in the body."""
    request, backend = app.incoming, get_backend()
    file = request.file(backend.objects.scratch)
    answer = store_instance(backend, file, remote_ip=request.remote_ip)
    app.access.made = [str(answer["ID"])]
    return json_answer(answer)


@app.on_levels("DELETE", "/<resource_id>")
def delete(resource_id: str) -> Response[str]:
    """Delete a resource; name the lowest ancestor that is left."""
    level, seconds = app.incoming.level, app.seconds_left
    try:
        return json_answer(delete_resource(get_backend(), level, resource_id, seconds=seconds))
    except UnknownResourceError:
        return empty_answer(404)  # without the error body, as in Orthanc (spec 2.3)


@app.post("/tools/bulk-delete")
def delete_many() -> Response[str]:
    """Delete the resources that the body names."""
    bulk_delete(get_backend(), app.incoming.json_object(), seconds=app.seconds_left)
    return empty_answer()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
