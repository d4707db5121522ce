"""What docs/openapi.json says of answers, held against real ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from openapi_schema_validator import OAS31Validator

from dicomorph.http.responses import JSON
from tools import openapi

_JSON = JSON.partition(";")[0]


class Answered(Protocol):
    """An answer as a client sees it."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


def check_described(method: str, route: str, answer: Answered, *, describes_errors: bool = True) -> None:
    """Fail if an answer is not what the page says of the route.

    Nothing may be in it that the page does not name: that is stricter than the page, which lets
    later versions add something.

    Parameters
    ----------
    describes_errors : bool
        The setting ``HttpDescribeErrors``.

    Raises
    ------
    AssertionError
        With the place in the answer.
    """
    wrong = " and ".join(_faults(method, route, answer, describes_errors=describes_errors))
    assert not wrong, f"{method} {route} answers {answer.status}: {wrong}. Mend the row, or the schema."


def check_arguments(method: str, route: str, query: Iterable[str]) -> None:
    """Fail if a call has arguments behind the question mark that the page does not name.

    Raises
    ------
    AssertionError
        With their names.
    """
    operation = _page()["paths"][route][method.lower()]
    named = {parameter["$ref"].rpartition("/")[2] for parameter in operation.get("parameters", ())}
    unnamed = set(query) - named - {"_method"}  # which stands for the method itself
    assert not unnamed, f"{method} {route} takes {sorted(unnamed)}. Mend the row."


def _faults(method: str, route: str, answer: Answered, *, describes_errors: bool) -> list[str]:
    response = _response(method, route, answer.status)
    if response is None:
        return ["no row says so"]
    missing = [
        name
        for name, header in response.get("headers", {}).items()
        if header["required"] and name.lower() not in answer.headers
    ]
    if missing:
        return [f"without the header {name}" for name in missing]
    if answer.status >= 400 and not describes_errors:
        return [] if not answer.body else ["errors are not to be described"]
    if "content" not in response:
        return [] if not answer.body else ["the body should be empty"]
    kind = answer.headers["content-type"].partition(";")[0]
    if kind not in response["content"]:
        return [f"{kind} is none of {', '.join(response['content'])}"]
    return _faults_of_body(response["content"][kind].get("schema"), kind, answer)


def _faults_of_body(schema: dict[str, Any] | None, kind: str, answer: Answered) -> list[str]:
    if schema is None:
        return []
    is_json = kind == _JSON or (answer.status >= 400 and answer.body)
    value = json.loads(answer.body) if is_json else answer.body.decode()
    return [fault for error in _validator(json.dumps(schema)).iter_errors(value) for fault in _places(error)]


def _places(error: Any) -> Iterator[str]:
    """Yield what is wrong in the answer, for each of the forms that it might have had."""
    if error.context:
        for part in error.context:
            yield from _places(part)
    else:
        yield f"{error.json_path} {error.message[:200]}"


@cache
def _response(method: str, route: str, status: int) -> dict[str, Any] | None:
    page = _page()
    responses = page["paths"][route][method.lower()]["responses"]
    found: dict[str, Any] | None = responses.get(str(status), responses["default"] if status >= 400 else None)
    if found is not None and "$ref" in found:
        return dict(page["components"]["responses"][found["$ref"].rpartition("/")[2]])
    return found


@cache
def _validator(schema: str) -> OAS31Validator:
    components = {"schemas": {name: _closed(s) for name, s in _page()["components"]["schemas"].items()}}
    return OAS31Validator(
        {**json.loads(schema), "components": components}, format_checker=OAS31Validator.FORMAT_CHECKER
    )


@cache
def _page() -> dict[str, Any]:
    return openapi.document()


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no properties but those that it names."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
