"""The event of API Gateway's REST proxy integration (payload version 1.0) for a WSGI request."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from dicomorph.services.backend import utc_now
from local.routing import Match

Event = dict[str, Any]
_STAGE = "local"


def proxy_event(
    environ: Mapping[str, Any], match: Match, *, method: str, path: str, query: list[tuple[str, str]]
) -> Event:
    """Return the event of a request, without its body.

    Parameters
    ----------
    environ : Mapping[str, Any]
        Of WSGI (PEP 3333).
    match : Match
        The route of the request.
    method, path, query
        As they are after normalization and tunnelling, which is what the handlers see.
    """
    headers = read_headers(environ)
    return {
        "resource": match.route.resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _gather(query) or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": _request_context(environ, match, method, path),
        "body": None,
        "isBase64Encoded": False,
    }


def set_body(event: Event, body: bytes) -> None:
    """Put a body into an event; the API declares every media type binary, so it is encoded."""
    if body:
        event["body"] = base64.b64encode(body).decode("ascii")
        event["isBase64Encoded"] = True


def read_query(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the arguments of a query in their order, bare names with an empty value."""
    return parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def read_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a request; of those that came twice, WSGI has joined the values."""
    headers = {
        name[len("HTTP_") :].replace("_", "-").title(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").title()] = environ[name]
    return headers


def _gather(query: list[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in query:
        gathered.setdefault(name, []).append(value)
    return gathered


def _request_context(environ: Mapping[str, Any], match: Match, method: str, path: str) -> dict[str, Any]:
    now = utc_now()
    return {
        "accountId": "",
        "apiId": "local",
        "domainName": environ.get("HTTP_HOST", ""),
        "httpMethod": method,
        "identity": {
            "sourceIp": environ.get("REMOTE_ADDR", ""),
            "user": None,
            "userAgent": environ.get("HTTP_USER_AGENT"),
            "userArn": None,
        },
        "path": path,
        "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "requestId": str(uuid.uuid4()),
        "requestTime": f"{now:%d/%b/%Y:%H:%M:%S %z}",
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourceId": "",
        "resourcePath": match.route.resource,
        "stage": _STAGE,
    }
