"""Generate the page docs/openapi.json from the routes that the functions serve.

Run it by hand when a route changes:  make openapi
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from dicomorph.http.routes import ROUTES
from dicomorph.model.errors import (
    BadRequestError,
    InternalError,
    RevisionMismatchError,
    TimeLimitError,
    UnknownResourceError,
)
from dicomorph.model.orthanc_errors import describe_code
from local.functions import load_module

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "openapi.json"
COMPONENTS = ROOT / "tools" / "openapi_components.json"

_DICOM = "application/dicom"
_JSON = "application/json"
_TEXT = "text/plain"
# Method and route to the schema of the body, or its media type.
_BODIES = {
    ("POST", "/instances"): _DICOM,
    ("PUT", "/tools/default-encoding"): _TEXT,
    ("POST", "/instances/{id}/anonymize"): "Anonymization",
    ("POST", "/instances/{id}/modify"): "Modification",
    ("POST", "/studies/{id}/split"): "Split",
    ("POST", "/studies/{id}/merge"): "Merge",
    ("POST", "/tools/bulk-anonymize"): "BulkAnonymization",
    ("POST", "/tools/bulk-modify"): "BulkModification",
    ("POST", "/tools/bulk-delete"): "BulkDelete",
    ("POST", "/tools/bulk-content"): "BulkContent",
}
_ERRORS = (BadRequestError, UnknownResourceError, RevisionMismatchError, InternalError, TimeLimitError)


def document() -> dict[str, Any]:
    """Return the description of the API (OpenAPI 3.1)."""
    paths = {route: _path(route) for route in sorted(ROUTES)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dicomorph",
            "version": "1.13.0",
            "summary": "Anonymization and modification of DICOM images with Orthanc's REST API.",
        },
        "servers": [
            {"url": "http://127.0.0.1:8042", "description": "make run"},
            {"url": "https://{api}.execute-api.{region}.amazonaws.com/v1", "description": "make deploy"}
            | {"variables": {"api": {"default": "api"}, "region": {"default": "eu-central-1"}}},
        ],
        "security": [{"iam": []}, {}],
        "paths": paths,
        "components": json.loads(COMPONENTS.read_text()),
    }


def main() -> None:
    """Write the page."""
    PAGE.write_text(json.dumps(document(), indent=1) + "\n")


def _path(route: str) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", route)
    operations: dict[str, Any] = {
        method.lower(): _operation(method, route, function) for method, function in ROUTES[route].items()
    }
    if names:
        operations["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    return operations


def _operation(method: str, route: str, function: str) -> dict[str, Any]:
    statuses = sorted({describe_code(error.code)[1] for error in _ERRORS})
    errors = {str(status): {"$ref": "#/components/responses/Error"} for status in statuses}
    operation: dict[str, Any] = {
        "summary": _summary(method, route, function),
        "tags": [function],
        "responses": {"200": {"description": "Done."}, **errors},
    }
    body = _body(method, route)
    if body:
        operation["requestBody"] = {"content": body}
    return operation


def _summary(method: str, route: str, function: str) -> str:
    """Return the first line that is said of the handler of a route."""
    path = re.sub(r"\{\w+\}", "x", route)
    app = _app(function)
    for served in (*app._static_routes, *app._dynamic_routes):  # noqa: SLF001 - there is no public list
        if method in served.method and served.rule.match(path):
            return str(served.func.__doc__).splitlines()[0].replace("``", "`")
    raise LookupError(f"No handler of {function} serves {method} {route}")


@functools.cache
def _app(function: str) -> Any:
    return load_module(ROOT / "functions" / function / "app.py").app


def _body(method: str, route: str) -> dict[str, Any]:
    found = _BODIES.get((method, route), "")
    if not found and method == "POST" and not route.startswith("/jobs/"):
        found = "AnonymizationJob" if route.endswith("/anonymize") else "ModificationJob"
    if not found and method == "PUT" and "/metadata/" in route:
        found = _TEXT
    if not found:
        return {}
    if "/" in found:
        return {found: {"schema": {"type": "string"}}}
    return {_JSON: {"schema": {"$ref": f"#/components/schemas/{found}"}}}


if __name__ == "__main__":
    main()
