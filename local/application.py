"""The WSGI application: a request becomes a proxy event, a handler's answer the response."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from dicomorph.http.reading.requests import effective_method, normalize_path
from dicomorph.model.errors import TransientError, UnknownResourceError
from local.answers import StartResponse, failure_answer, write_answer
from local.events import Event, proxy_event, read_headers, read_query, set_body
from local.functions import Functions
from local.routing import Router

LARGEST_EVENT_BODY = 128 << 10
"""Bytes. A larger body goes past the event, as a file: API Gateway could carry thirty times as much, but
to encode and decode an image takes more time than to store it."""

_ATTEMPTS = 10


class Application:
    """Serves the routes of the template through its handlers.

    Parameters
    ----------
    router : Router
        The routes.
    functions : Functions
        What serves them.
    objects : Path
        The folder of the object store, whose links are answered with the file itself.
    spool : Path
        A folder for bodies too large for an event, each for the time of its request.
    """

    def __init__(self, router: Router, functions: Functions, *, objects: Path, spool: Path) -> None:
        self._router = router
        self._functions = functions
        self._objects = objects
        self._spool = spool

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        event: Event = {}
        try:
            event, folder = self._event(environ)
            return self._answer(folder, event, environ, start_response)
        except Exception as error:  # noqa: BLE001 - the server beneath would log it, with the address
            answer = failure_answer(error, event)
            return write_answer(answer, environ, start_response, objects=self._objects)

    def _answer(
        self, folder: str, event: Event, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        body: BinaryIO = environ["wsgi.input"]
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size <= LARGEST_EVENT_BODY:
            set_body(event, body.read(size) if size else b"")
            answer = self._functions.call(folder, event)
        else:
            answer = self._call_past_event(folder, event, body)
        for _ in range(_ATTEMPTS):
            with suppress(UnknownResourceError):
                return write_answer(answer, environ, start_response, objects=self._objects)
            answer = self._functions.call(folder, event)  # who asks again learns what there is now
        raise TransientError("A file is replaced faster than it can be opened")

    def _event(self, environ: Mapping[str, Any]) -> tuple[Event, str]:
        path = normalize_path(str(environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace"))
        query = read_query(environ)
        method = effective_method(
            str(environ["REQUEST_METHOD"]),
            {name.lower(): value for name, value in read_headers(environ).items()},
            {name: [value] for name, value in query},
        )
        match = self._router.match(method, path)
        event = proxy_event(environ, match, method=method, path=path, query=query)
        return event, match.route.folder

    def _call_past_event(self, folder: str, event: Event, body: BinaryIO) -> dict[str, Any]:
        descriptor, name = tempfile.mkstemp(dir=self._spool)
        try:
            with os.fdopen(descriptor, "wb") as spooled:
                shutil.copyfileobj(body, spooled, 1 << 20)
            event["bodyPath"] = name
            return self._functions.call(folder, event)
        finally:
            Path(name).unlink(missing_ok=True)  # the store may have taken the file itself
