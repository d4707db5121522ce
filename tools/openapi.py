"""Write the page docs/openapi.json from the table of routes and the schemas that it names.

Run it when a route or a schema changes:  make openapi
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dicomorph import __version__
from dicomorph.http.route_rows import EMPTY, Row
from dicomorph.http.routes import DICOM, TABLE, each_route
from tools.marked_parts import rewrite

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "openapi.json"
COMPONENTS = ROOT / "tools" / "openapi_components"

_LONGEST_LINE = 120
_OTHERS = {
    303: "Elsewhere",
    304: "Unchanged",
    400: "Refused",
    403: "Forbidden",
    404: "Absent",
    504: "Outlived",
}
"""Statuses in rows to the responses that describe them; all that no row names are errors."""


def document() -> dict[str, Any]:
    """Return the description of the API (OpenAPI 3.1)."""
    components = read_components()
    paths: dict[str, dict[str, Any]] = {}
    for topic, route in each_route():
        operations = paths.setdefault(route.path, _parameters(route.path, components["parameters"]))
        operations[route.method.lower()] = _operation(topic, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dicomorph",
            "version": __version__,
            "summary": "Anonymization and modification of DICOM images with Orthanc's REST API.",
            "description": "`x-permission` is the kind of permission that an operation belongs to; "
            "nothing asks for it yet. On AWS, who may call an operation is decided by IAM.",
        },
        "servers": [
            {"url": "http://127.0.0.1:8042", "description": "make run"},
            {"url": "https://{api}.execute-api.{region}.amazonaws.com/v1", "description": "make deploy"}
            | {"variables": {"api": {"default": "api"}, "region": {"default": "eu-central-1"}}},
        ],
        "security": [{"iam": []}, {}],
        "tags": [{"name": topic} for topic in TABLE],
        "paths": dict(sorted(paths.items())),
        "components": components,
    }


def read_components() -> dict[str, dict[str, Any]]:
    """Return what the files of the folder describe, by kind and name."""
    components: dict[str, dict[str, Any]] = {}
    for path in sorted(COMPONENTS.glob("*.json")):
        for kind, found in json.loads(path.read_text(encoding="utf-8")).items():
            components.setdefault(kind, {}).update(found)
    return components


def to_text(value: Any, indent: str = "") -> str:
    """Return JSON with whatever fits into a line on one line, so that a diff shows whole statements."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent + line) <= _LONGEST_LINE:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {to_text(part, inner)}" for key, part in value.items()]
        return f"{{\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}}}"
    return f"[\n{inner}" + f",\n{inner}".join(to_text(part, inner) for part in value) + f"\n{indent}]"


def main() -> None:
    """Write the page."""
    rewrite(PAGE, to_text(document()) + "\n")


def _parameters(path: str, described: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [
        {"$ref": f"#/components/parameters/{name}"}
        if name in described
        else {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    return {"parameters": parameters} if parameters else {}


def _operation(topic: str, route: Row) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [topic],
        "x-permission": route.permission.value,
    }
    if route.query:
        operation["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in route.query]
    if route.body:
        operation["requestBody"] = {"required": True, "content": _content([route.body])}
    return {**operation, "responses": _responses(route)}


def _operation_id(route: Row) -> str:
    """Return a name such as ``getStudiesByIdMetadata``."""
    path = re.sub(r"\{(\w+)\}", r"by-\1", route.path)
    words = re.findall(r"\w+", path.replace("_", "-"))
    return route.method.lower() + "".join(word.capitalize() for word in words)


def _responses(route: Row) -> dict[str, Any]:
    forms = [answer for answer in route.answers if isinstance(answer, str)]
    responses: dict[str, Any] = {}
    if forms == [EMPTY]:
        responses["200"] = {"description": "Done; the body is empty."}
    elif forms:
        responses["200"] = {"description": _description(forms), "content": _content(forms)}
    for status in (answer for answer in route.answers if isinstance(answer, int)):
        # Elsewhere, what outlives its call is a job.
        name = "Unfinished" if (route.function, status) == ("instances", 504) else _OTHERS[status]
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return {**responses, "default": {"$ref": "#/components/responses/Error"}}


def _description(forms: Sequence[str]) -> str:
    shown = [f"a list of `{form[:-2]}`" if form.endswith("[]") else f"`{form}`" for form in forms]
    return f"{', or '.join(shown)}."


def _content(forms: Sequence[str]) -> dict[str, Any]:
    """Return the media types of a body, with the schemas that are one of its forms."""
    media: dict[str, Any] = {
        form: {} if form == DICOM else {"schema": {"type": "string"}} for form in forms if "/" in form
    }
    schemas = [_schema(form) for form in forms if "/" not in form]
    if schemas:
        media["application/json"] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    return media


def _schema(form: str) -> dict[str, Any]:
    named = {"$ref": f"#/components/schemas/{form.removesuffix('[]')}"}
    return {"type": "array", "items": named} if form.endswith("[]") else named


if __name__ == "__main__":
    main()
