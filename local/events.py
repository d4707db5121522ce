"""The event of API Gateway's REST proxy integration (payload version 1.0) for a request."""

from __future__ import annotations

import base64
import uuid
from typing import Any, Final
from urllib.parse import parse_qsl

from dicomorph.services.backend import utc_now
from local.front.bodies import Body
from local.front.heads import Head
from local.routing import Match

Event = dict[str, Any]
_STAGE: Final = "local"

LARGEST_EVENT_BODY: Final = 128 << 10
"""Bytes. A larger body goes past the event: API Gateway could carry thirty times as much, but to
encode and decode an image takes more time than to store it."""


def proxy_event(
    head: Head, match: Match, *, address: str, method: str, path: str, query: list[tuple[str, str]]
) -> Event:
    """Return the event of a request, without its body.

    Parameters
    ----------
    address : str
        Of the client.
    method, path, query
        As they are after normalization and tunnelling, which is what the handlers see.
    """
    headers = {name.title(): value for name, value in head.headers.items()}
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
        "requestContext": _request_context(head, match, address=address, method=method, path=path),
        "body": None,
        "isBase64Encoded": False,
    }


def set_body(event: Event, body: Body) -> None:
    """Put a body into an event, or beside it: ``bodyBytes`` is the body, ``bodyPath`` a file with it.

    The API declares every media type binary, so what is within an event is encoded.
    """
    if body.path is not None:
        event["bodyPath"] = str(body.path)
    elif body.size > LARGEST_EVENT_BODY:
        event["bodyBytes"] = body.data
    elif body.size:
        event["body"] = base64.b64encode(body.data).decode("ascii")
        event["isBase64Encoded"] = True


def read_query(query: str) -> list[tuple[str, str]]:
    """Return the arguments of a query in their order, bare names with an empty value."""
    return parse_qsl(query, keep_blank_values=True) if query else []


def _gather(query: list[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in query:
        gathered.setdefault(name, []).append(value)
    return gathered


def _request_context(head: Head, match: Match, *, address: str, method: str, path: str) -> dict[str, Any]:
    now = utc_now()
    return {
        "accountId": "",
        "apiId": "local",
        "domainName": head.headers.get("host", ""),
        "httpMethod": method,
        "identity": {
            "sourceIp": address,
            "user": None,
            "userAgent": head.headers.get("user-agent"),
            "userArn": None,
        },
        "path": path,
        "protocol": f"HTTP/{head.version}",
        "requestId": str(uuid.uuid4()),
        "requestTime": f"{now:%d/%b/%Y:%H:%M:%S %z}",
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourceId": "",
        "resourcePath": match.route.resource,
        "stage": _STAGE,
    }
