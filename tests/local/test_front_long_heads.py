"""Long heads, of many clients at once: memory is bounded, and given back however they end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.front import conversation
from tests.local.front import Acting, exchange, running, says

GET = b"GET /statistics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LONG = GET[:-2] + b"X: " + b"a" * 20_000 + b"\r\n\r\n"  # counts for 80 KB
BODY = LONG.replace(b"GET", b"POST").replace(b"X: ", b"Content-Length: 10\r\nX: ")

ENDINGS: dict[str, tuple[bytes, bytes]] = {
    "it is closed amid a field": (LONG[:-100], b""),
    "it is closed amid a target": (b"GET /" + b"a" * 20_000, b""),
    "it is closed before its body": (BODY, b""),
    "it is answered": (LONG[:-10], LONG[-10:]),
    "its body comes": (BODY, b"0123456789"),
    "it is malformed": (LONG[:-10], b"\0"),
    "it is too long": (LONG[:-10], b"a" * 70_000),
}


def act(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
    return says(event["path"])


def connect(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize("ending", ENDINGS)
def test_memory_for_long_heads_is_bounded_and_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(conversation, "_LONG_HEADS", 500_000, raising=False)
    beginning, end = ENDINGS[ending]
    with running(Acting(act), tmp_path) as port:
        for _ in range(3):
            with ExitStack() as held:
                clients = [held.enter_context(connect(port, beginning)) for _ in range(6)]
                time.sleep(0.1)
                assert exchange(port, LONG)[:12] == b"HTTP/1.1 503"
                assert exchange(port, GET)[:12] == b"HTTP/1.1 200"
                for client in clients if end else ():
                    client.sendall(end)
                    assert client.recv(12)[:9] == b"HTTP/1.1 "
            time.sleep(0.1)
            assert exchange(port, LONG)[:12] == b"HTTP/1.1 200"


def test_one_connection_after_the_other_request_takes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_LONG_HEADS", 100_000, raising=False)
    many = LONG.replace(b"Connection: close\r\n", b"") * 20 + LONG
    with running(Acting(act), tmp_path) as port:
        assert exchange(port, many).count(b"HTTP/1.1 200") == 21
