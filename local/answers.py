"""Turning a handler's proxy answer into a WSGI answer."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from dicomorph import bootstrap
from dicomorph.embedded.objects.errors import translated
from dicomorph.http.errors import error_answer
from dicomorph.http.observability import log_failure
from dicomorph.http.reading.requests import Request
from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.model.object_keys import RESULTS

StartResponse = Callable[[str, list[tuple[str, str]]], object]
_CHUNK = 1 << 18


def write_answer(
    answer: Mapping[str, Any], environ: Mapping[str, Any], start_response: StartResponse, *, objects: Path
) -> Iterable[bytes]:
    """Send a proxy answer; return its body as WSGI wants it.

    A redirection to a file below `objects`, which is what a link of the embedded object store
    is, becomes the file itself with status 200.

    Parameters
    ----------
    objects : Path
        The folder of the object store.

    Raises
    ------
    UnknownResourceError
        If that file was deleted, or replaced by another one, since the handler answered.
    DicomorphError
        If it cannot be opened, in words that do not name it.
    """
    headers, body = _headers(answer), _body(answer)
    linked = _linked_file(answer, headers, objects)
    if linked is not None:
        stream = _open_linked(linked, objects)
        headers = [(name, value) for name, value in headers if name.lower() != "location"]
        return _send_file(stream, headers, environ, start_response)
    headers.append(("Content-Length", str(len(body))))
    start_response(_status_line(int(answer["statusCode"])), headers)
    return [body]


def failure_answer(error: Exception, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the proxy answer to a request that failed outside its handler, and log the failure.

    Parameters
    ----------
    event : Mapping[str, Any]
        Of the request; empty if it could not be read.
    """
    request = Request(event)
    log_failure(error, route=str(event.get("resource") or ""), method=request.method)
    known = error if isinstance(error, DicomorphError) else InternalError()
    answer = error_answer(known, request, describe=_describes_errors())
    return {
        "statusCode": answer.status_code,
        "headers": {"Content-Type": answer.content_type, **answer.headers},
        "body": answer.body,
    }


def _describes_errors() -> bool:
    with suppress(Exception):  # a server that could not be set up still answers errors
        return bootstrap.get_backend().settings.http_describe_errors
    return True


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _headers(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.extend((name, str(value)) for value in values)
    return [(name, value) for name, value in headers if name.lower() != "content-length"]


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body") or ""
    return base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()


def _linked_file(answer: Mapping[str, Any], headers: list[tuple[str, str]], objects: Path) -> Path | None:
    if int(answer["statusCode"]) != HTTPStatus.SEE_OTHER:
        return None
    url = urlsplit(next((value for name, value in headers if name.lower() == "location"), ""))
    path = Path(os.path.normpath(unquote(url.path)))
    return path if url.scheme == "file" and path.is_relative_to(objects) else None


def _open_linked(path: Path, objects: Path) -> BinaryIO:
    with translated():
        stream = path.open("rb")
        if path.is_relative_to(objects / RESULTS):
            # Made for this one answer. An open file stays readable, and is gone whatever the client does.
            path.unlink(missing_ok=True)
    return stream


def _send_file(
    stream: BinaryIO,
    headers: list[tuple[str, str]],
    environ: Mapping[str, Any],
    start_response: StartResponse,
) -> Iterable[bytes]:
    size = os.fstat(stream.fileno()).st_size
    start_response("200 OK", [*headers, ("Content-Length", str(size))])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](stream, _CHUNK)
    return wrapped
