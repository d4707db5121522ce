"""More clients than there is room for: nobody loses a request, and those who do nothing make room."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from local.front import serving
from tests.local.front import Acting, exchange, running, says

GET = b"GET /statistics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
UPLOAD = b"POST /instances HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc"


def act(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
    return says(event["path"])


def connect(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(sent)
    return connection


def test_clients_beyond_the_bound_lose_no_request(tmp_path: Path) -> None:
    answers: list[bytes] = []

    def call(port: int) -> None:
        for _ in range(5):
            with suppress(ConnectionError):
                answers.append(exchange(port, GET)[:12])

    with running(Acting(act), tmp_path, most=4) as port:
        callers = [threading.Thread(target=call, args=(port,)) for _ in range(30)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(30)
    assert answers == [b"HTTP/1.1 200"] * 150


def test_clients_that_only_connect_make_room_soon(tmp_path: Path) -> None:
    with running(Acting(act), tmp_path, most=10) as port, ExitStack() as held:
        for _ in range(40):
            held.enter_context(connect(port))
        began = time.monotonic()
        assert exchange(port, GET).endswith(b"/statistics")
        assert time.monotonic() - began < 5


@contextmanager
def callers(port: int, count: int) -> Iterator[None]:
    """Connect and leave, over and over."""
    ended = threading.Event()

    def call() -> None:
        while not ended.is_set():
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                pass

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(5)


def test_callers_without_end_do_not_delay_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "DRAIN_SECONDS", 6.0)
    monkeypatch.setattr(serving, "_DOOR_SECONDS", 0.3, raising=False)
    with ExitStack() as meanwhile:
        with running(Acting(act), tmp_path) as port:
            meanwhile.enter_context(callers(port, 8))
            upload = meanwhile.enter_context(connect(port, UPLOAD))
            time.sleep(0.3)
            finish = threading.Timer(0.8, upload.sendall, (b"def",))
            finish.start()
            began = time.monotonic()
        assert time.monotonic() - began < 4
        assert upload.recv(100).startswith(b"HTTP/1.1 200")
