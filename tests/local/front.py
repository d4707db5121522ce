"""The front without the program around it: requests as bytes, functions that do as they are told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local.application import Application
from local.front.bodies import Body, BodyStore
from local.front.connection import Connection
from local.front.heads import HeadReader
from local.front.listening import bind, listen
from local.front.outgoing import Outgoing
from local.front.porch import Porch
from local.front.serving import Front
from local.functions import Functions
from local.routing import Router
from local.template import read_routes, read_template

ROUTER = Router(list(read_routes(read_template())))
Event = dict[str, Any]


class Acting(Functions):
    """Stands for all functions; is told what to answer to an event, and for how long it may wait."""

    def __init__(self, act: Callable[[Event, Callable[[], float]], Event]) -> None:
        self._act = act

    def call(self, folder: str, event: Event, *, seconds_left: Callable[[], float] = lambda: 1e9) -> Event:
        return self._act({**event, "folder": folder}, seconds_left)


def says(text: str = "ok", status: int = 200) -> Event:
    """Return a proxy answer."""
    return {"statusCode": status, "multiValueHeaders": {"Content-Type": ["text/plain"]}, "body": text}


@dataclass
class Sent:
    """What an application answers, with all that would be sent of it."""

    outgoing: Outgoing
    head: str
    body: bytes


def ask(application: Application, request: bytes, spool: Path) -> Sent:
    """Ask an application by the bytes of a request, and take the answer."""
    ours, theirs = socket.socketpair()
    with ours, theirs, contextlib.closing(Connection(ours, "192.0.2.1")) as connection:
        found = HeadReader().feed(request)
        assert found is not None
        asked, rest = application.understand(found[0], connection), found[1]
        connection.give_back(rest)
        body = Body(BodyStore(spool), asked.head.length, partial(application.admit, asked))
        assert body.read(connection)
        outgoing = application.answer(asked, body)
        body.close()
        outgoing.begin(version="1.1", keeps_alive=True, has_body=not asked.is_head)
        taken = bytearray()
        reader = threading.Thread(target=lambda: taken.extend(_everything(theirs)))
        reader.start()
        connection.be_patient(5)
        assert outgoing.send(connection)
        outgoing.close()
        connection.hang_up()
        reader.join(10)
    head, _, rest = bytes(taken).partition(b"\r\n\r\n")
    return Sent(outgoing, head.decode(), rest)


def _everything(sock: socket.socket) -> bytes:
    received = b""
    while chunk := sock.recv(1 << 20):
        received += chunk
    return received


@contextlib.contextmanager
def running(
    functions: Functions, spool: Path, *, most: int = 1000, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Run a front in this process; yield its port."""
    listener = bind("127.0.0.1", 0)
    listen(listener)
    application = Application(ROUTER, functions, objects=spool)
    front = Front(application, Porch(listener, tls=tls, most=most), BodyStore(spool))
    thread = threading.Thread(target=front.run)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        front._is_asked_to_stop = True
        front._porch.wake()
        thread.join(20)
        assert not thread.is_alive()


def exchange(port: int, request: bytes, *, timeout: float = 20) -> bytes:
    """Send bytes as they are; return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        return _everything(connection)
