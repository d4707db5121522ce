"""Turning a handler's proxy answer into what is sent."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit

from dicomorph import bootstrap
from dicomorph.embedded.objects.composed_links import Composition, composition_in
from dicomorph.embedded.objects.errors import translated
from dicomorph.http.browsers import BrowserRules
from dicomorph.http.errors import error_answer
from dicomorph.http.observability import log_failure
from dicomorph.http.reading.requests import Request
from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.model.object_keys import RESULTS
from local.front.errors import UnsatisfiableRangeError
from local.front.outgoing import Outgoing
from local.front.ranges import asked_range

Headers = list[tuple[str, str]]
_LINKS: Final = ("location", "content-length")


def outgoing(answer: Mapping[str, Any], *, objects: Path, range_header: str | None = None) -> Outgoing:
    """Return what is sent for a proxy answer.

    A redirection to a file below `objects`, which is what a link of the embedded object store
    is, becomes the file itself with status 200.

    Parameters
    ----------
    objects : Path
        The folder of the object store.
    range_header : str, optional
        What the client says of the range that it wants; None where ranges are not to be had.

    Raises
    ------
    UnknownResourceError
        If that file was deleted, or replaced by another one, since the handler answered.
    UnsatisfiableRangeError
        If the range holds no byte of it.
    DicomorphError
        If it cannot be opened, in words that do not name it.
    """
    headers, status = _headers(answer), int(answer["statusCode"])
    linked = _linked_file(status, headers, objects)
    if linked is None:
        body = _body(answer)
        if status == HTTPStatus.OK and range_header is not None:
            return _part_of(body, headers, range_header)
        return Outgoing(status, headers, body)
    path, query = linked
    file = _open_linked(path, objects)
    headers = [(name, value) for name, value in headers if name.lower() not in _LINKS]
    if place := composition_in(query):
        return _composed(file, place, headers, objects)
    size = os.fstat(file.fileno()).st_size
    if range_header is not None:
        return _part_of(file, headers, range_header, size)
    return Outgoing(HTTPStatus.OK, headers, file=file, size=size)


def failure(error: Exception, event: Mapping[str, Any]) -> Outgoing:
    """Return the answer to a request that failed outside its handler.

    Parameters
    ----------
    event : Mapping[str, Any]
        Of the request; empty if it could not be read.
    """
    known = error if isinstance(error, DicomorphError) else InternalError()
    request = Request(event)
    answer = error_answer(known, request, describe=_describes_errors())
    headers = {"Content-Type": answer.content_type, **answer.headers}
    headers |= BrowserRules().headers(request, is_page=False)
    if isinstance(error, UnsatisfiableRangeError):
        headers["Content-Range"] = f"bytes */{error.size}"
    sent = [(name, str(value)) for name, value in headers.items()]
    return Outgoing(answer.status_code, sent, str(answer.body or "").encode())


def logged_failure(error: Exception, event: Mapping[str, Any]) -> Outgoing:
    """Do the same, and log the failure by its kind and place."""
    log_failure(error, route=str(event.get("resource") or ""), method=Request(event).method)
    return failure(error, event)


def _describes_errors() -> bool:
    backend = bootstrap.chosen_backend()
    return backend is None or backend.settings.http_describe_errors


def _headers(answer: Mapping[str, Any]) -> Headers:
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.extend((name, str(value)) for value in values)
    return [(name, value) for name, value in headers if name.lower() != "content-length"]


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body") or ""
    return base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()


def _linked_file(status: int, headers: Headers, objects: Path) -> tuple[Path, str] | None:
    """Return the file that an answer is a link to, and the query of the link."""
    if status != HTTPStatus.SEE_OTHER:
        return None
    url = urlsplit(next((value for name, value in headers if name.lower() == "location"), ""))
    path = Path(os.path.normpath(unquote(url.path)))
    return (path, url.query) if url.scheme == "file" and path.is_relative_to(objects) else None


def _composed(around: BinaryIO, place: Composition, headers: Headers, objects: Path) -> Outgoing:
    """Return the answer of new bytes and of a range of another file, which they are around."""
    with around:
        new = around.read()
    file = _open_linked(objects / place.key, objects)
    size = place.stop - place.start
    return Outgoing(
        HTTPStatus.OK, headers, new[: place.at], file=file, start=place.start, size=size, tail=new[place.at :]
    )


def _open_linked(path: Path, objects: Path) -> BinaryIO:
    with translated():
        stream = path.open("rb", buffering=0)
        if path.is_relative_to(objects / RESULTS):
            # Made for this one answer. An open file stays readable, and is gone whatever the client does.
            path.unlink(missing_ok=True)
    return stream


def _part_of(content: bytes | BinaryIO, headers: Headers, asked: str, size: int = -1) -> Outgoing:
    """Return the answer with a range, or all, of a file or of what it holds."""
    size = len(content) if isinstance(content, bytes) else size
    headers = [*headers, ("Accept-Ranges", "bytes")]
    try:
        found = asked_range(asked, size)
    except UnsatisfiableRangeError:
        if not isinstance(content, bytes):
            content.close()
        raise
    start, stop = found or (0, size)
    status = HTTPStatus.OK
    if found is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{size}"))
    if isinstance(content, bytes):
        return Outgoing(status, headers, content[start:stop])
    return Outgoing(status, headers, file=content, start=start, size=stop - start)
