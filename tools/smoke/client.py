"""Calls of a server, signed where it wants that, each remembered by its route."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import urlsplit

from dicomorph.http.routes import ROUTES

Headers = Mapping[str, str]
Signer = Callable[[str, str, bytes], dict[str, str]]
"""Makes of a method, an address and a body the headers that prove who asks."""


@dataclass(frozen=True)
class Answer:
    """What a server answered; the names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Transport = Callable[[str, str, bytes, Headers], Answer]


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: what leads elsewhere is looked at first."""


def over_http(method: str, address: str, body: bytes, headers: Headers) -> Answer:
    """Send a request as it is."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError("Only http and https are asked")
    request = urllib.request.Request(address, body or None, dict(headers), method=method)  # noqa: S310 - see above
    opener = urllib.request.build_opener(_Unfollowed)
    try:
        with opener.open(request, timeout=120) as response:
            return _answer(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error)


def _answer(status: int, response: Any) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    stream: IO[bytes] = response
    return Answer(status, headers, stream.read())


@dataclass
class Client:
    """Calls one server.

    Parameters
    ----------
    url : str
        What the addresses of its API begin with.
    sign : Signer
        Adds what proves the caller.
    transport : Transport
        Sends what was signed.
    routes : set[tuple[str, str]]
        Methods and routes that were called.
    calls, received : int
        How many calls there were, and how many bytes of answers.
    """

    url: str
    sign: Signer = lambda *_: {}
    transport: Transport = over_http
    routes: set[tuple[str, str]] = field(default_factory=set)
    calls: int = 0
    received: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def call(self, method: str, path: str, body: Any = b"", *, headers: Headers | None = None) -> Answer:
        """Ask, and follow to where a large answer lies, without what signed the first request."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        address = f"{self.url}{path}"
        signed = {**(headers or {}), **self.sign(method, address, data)}
        answer = self._sent(method, address, data, signed)
        with self._lock:
            self.routes |= {(method, route) for route in _routes(path)}
        if answer.status == HTTPStatus.SEE_OTHER:
            return self._sent("GET", answer.headers["location"], b"", {})
        return answer

    def get(self, path: str) -> Answer:
        """Ask for something."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = b"") -> Answer:
        """Send something."""
        return self.call("POST", path, body)

    def ended(self, job: str, *, seconds: float = 1800) -> dict[str, Any]:
        """Return a job once it has ended."""
        return self._ended(f"/jobs/{job}", seconds)

    def taken_in(self, path: str, *, seconds: float = 300) -> dict[str, Any]:
        """Return an upload once it is known what became of it."""
        return self._ended(path, seconds)

    def _ended(self, path: str, seconds: float) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while True:
            found: dict[str, Any] = self.get(path).json
            if found["State"] in ("Success", "Failure") or time.monotonic() > until:
                return found
            time.sleep(0.3)

    def _sent(self, method: str, address: str, data: bytes, headers: Headers) -> Answer:
        answer = self.transport(method, address, data, headers)
        with self._lock:
            self.calls += 1
            self.received += len(answer.body)
        return answer


def _routes(path: str) -> list[str]:
    """Return the route that a path belongs to, literal ones first; none if it has no route."""
    asked = path.partition("?")[0].strip("/")
    for route in ROUTES:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.strip("/")), asked):
            return [route]
    return []
