"""What the front asks: a request becomes a proxy event, a handler's answer what is sent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dicomorph import bootstrap
from dicomorph.http.reading.addresses import normalize_path
from dicomorph.http.reading.json_body import parse_json
from dicomorph.http.reading.requests import LARGEST_JSON, effective_method
from dicomorph.model.errors import BadFileFormatError, DicomorphError, TransientError, UnknownResourceError
from dicomorph.services.fields import is_synchronous, json_object
from dicomorph.services.store.incoming import check_body_size, check_upload
from dicomorph.services.uploads.receive import refuse_early
from local.answers import failure, logged_failure, outgoing
from local.events import Event, proxy_event, read_query, set_body
from local.front.bodies import Body
from local.front.connection import Connection
from local.front.errors import UnsatisfiableRangeError
from local.front.heads import Head
from local.front.outgoing import Outgoing
from local.functions import Functions
from local.receiving import RECEIVING
from local.routing import Match, Router

WAITING: Final = frozenset(
    f"functions/{name}" for name in ("anonymize_resources", "merge_study", "modify_resources", "split_study")
)
"""The functions that may wait for a job."""

_SYNCHRONOUS: Final = re.compile(rb'"A?[Ss]ynchronous"')
_UPLOAD: Final = "/instances"
_FILE: Final = "/instances/{id}/file"
_ATTEMPTS: Final = 10
_FOR_EVER: Final = 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose head was understood.

    Parameters
    ----------
    event : Event
        Without the body.
    is_head : bool
        Whether the client wants the head of the answer alone. Its handler sees a GET.
    is_gone : Callable[[], bool]
        Tells whether the client waits no more.
    """

    head: Head
    event: Event
    match: Match
    is_head: bool
    is_gone: Callable[[], bool]


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
    """

    def __init__(self, router: Router, functions: Functions, *, objects: Path) -> None:
        self._router = router
        self._functions = functions
        self._objects = objects
        self._end: float | None = None

    def stop_waiting(self, moment: float) -> None:
        """Let nobody wait for a job beyond a moment of the monotonic clock: the server ends."""
        self._end = moment

    def understand(self, head: Head, connection: Connection) -> Asked:
        """Find out what a request asks for."""
        path, query = normalize_path(head.path), read_query(head.query)
        method = effective_method(head.method, head.headers, {name: [value] for name, value in query})
        match = self._router.match(method, path)
        is_head = method == "HEAD"
        if is_head:
            readable = self._router.match("GET", path)
            if readable.route.method == "GET":  # with an argument that tunnels, it would be no GET
                method, match = "GET", readable
                query = [(name, value) for name, value in query if name != "_method"]
        event = proxy_event(head, match, address=connection.address, method=method, path=path, query=query)
        return Asked(head, event, match, is_head, connection.is_gone)

    @staticmethod
    def admit(asked: Asked, size: int) -> None:
        """Let the body of a request in, before anything of it is read or written.

        Parameters
        ----------
        size : int
            Bytes, as declared or so far.

        Raises
        ------
        DicomorphError
            If it is not taken. The client is answered with this, whatever it still sends.
        """
        backend = bootstrap.chosen_backend()
        if backend is None:
            return
        if asked.match.route.resource == _UPLOAD:
            check_upload(backend, size)
            return
        if asked.match.route is RECEIVING:
            refuse_early(backend, asked.match.parameters["id"], asked.match.parameters["ticket"], size)
            return
        check_body_size(backend, size)
        if size > LARGEST_JSON:  # its handler would say the same, of a file that fills the disk meanwhile
            raise BadFileFormatError("The body of the request is too large")

    def waits(self, connection: Connection) -> bool:
        """Tell whether a call whose body is there may wait for a job."""
        asked, body = connection.asked, connection.body
        if asked is None or body is None or asked.match.route.folder not in WAITING:
            return False
        if body.path is not None or not _SYNCHRONOUS.search(body.data):
            return True
        with suppress(DicomorphError):
            return is_synchronous(json_object(parse_json(body.data)))
        return False  # it will be refused

    def answer(self, asked: Asked, body: Body) -> Outgoing:
        """Answer a request whose body is there; every failure becomes an answer."""
        try:
            set_body(asked.event, body)
            return self._answer(asked)
        except UnsatisfiableRangeError as error:
            return failure(error, asked.event)
        except Exception as error:  # noqa: BLE001 - whatever fails, the client is told
            return logged_failure(error, asked.event)

    def failure(self, error: Exception, asked: Asked | None, *, cause: Exception) -> Outgoing:
        """Answer a request that the front cannot serve; log it if that is the server's fault."""
        event = {} if asked is None else asked.event
        return failure(error, event) if error is cause else logged_failure(cause, event)

    def _answer(self, asked: Asked) -> Outgoing:
        folder, event = asked.match.route.folder, asked.event
        range_header = self._range(asked)
        answer = self._functions.call(folder, event, seconds_left=lambda: self._seconds_left(asked))
        for _ in range(_ATTEMPTS):
            with suppress(UnknownResourceError):
                return outgoing(answer, objects=self._objects, range_header=range_header)
            answer = self._functions.call(folder, event)  # who asks again learns what there is now
        raise TransientError("A file is replaced faster than it can be opened")

    @staticmethod
    def _range(asked: Asked) -> str | None:
        """Return what is said of a range; empty for nothing, None if the route knows of none."""
        if asked.match.route.resource != _FILE or asked.match.route.method != "GET":
            return None
        headers = asked.head.headers
        return "" if asked.is_head or "if-range" in headers else headers.get("range", "")

    def _seconds_left(self, asked: Asked) -> float:
        """Return how long the client is to wait: not at all once it has gone."""
        if asked.is_gone():
            return 0.0
        return _FOR_EVER if self._end is None else max(0.0, self._end - time.monotonic())
