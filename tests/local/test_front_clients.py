"""Clients that are slow, many, gone, or speak something else: nobody else is kept waiting."""

from __future__ import annotations

import json
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from dicomorph.model.errors import BadRequestError, StorageFullError
from local.application import Application
from local.front import porch, serving
from tests.local.front import Acting, exchange, running, says

GET = b"GET /statistics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
JOB = b"POST /studies/1/anonymize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
BEGINNINGS = {
    "nothing": b"",
    "half a head": b"GET /statistics HTTP/1.1\r\nHost: loc",
    "half a small body": b"POST /instances HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc",
    "half a large body": b"POST /instances HTTP/1.1\r\nContent-Length: 9000000\r\n\r\nabc",
    "half a chunk": b"POST /instances HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "no end of an answer": b"GET /large HTTP/1.1\r\n\r\n",
}


def act(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Answer at once, with much, or not before the client goes."""
    if event["path"] == "/large":
        return says("x" * 3_000_000)
    is_job = event["folder"] == "functions/anonymize_resources"
    while is_job and len(event["body"]) < 10 and seconds_left() > 0:
        time.sleep(0.01)
    return says(event["path"])


def connect(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(sent)
    return connection


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


@pytest.mark.parametrize("name", BEGINNINGS)
@pytest.mark.parametrize(
    "count", [100, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
def test_slow_clients_keep_nobody_waiting_and_hold_no_thread(tmp_path: Path, name: str, count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    before = threads("request")
    with running(Acting(act), tmp_path, most=2 * count) as port, ExitStack() as held:
        for _ in range(count if name != "no end of an answer" else count // 10):
            held.enter_context(connect(port, BEGINNINGS[name]))
        began = time.monotonic()
        for _ in range(20):
            assert exchange(port, GET).endswith(b"/statistics")
        assert time.monotonic() - began < 5
        assert threads("request") - before <= serving._SHORT_THREADS


def test_bytes_that_trickle_hold_no_thread(tmp_path: Path) -> None:
    with running(Acting(act), tmp_path) as port, ExitStack() as held:
        trickling = [
            held.enter_context(connect(port, b"POST /instances HTTP/1.1\r\nContent-Length: 999\r\n\r\n"))
            for _ in range(100)
        ]
        for _ in range(5):
            for one in trickling:
                one.sendall(b"a")
            assert exchange(port, GET).endswith(b"/statistics")
        for one in trickling:
            one.sendall(b"b" * (999 - 5))
        assert [one.recv(999).partition(b"\r\n")[0] for one in trickling] == [b"HTTP/1.1 200 OK"] * 100


def test_whoever_waits_for_a_job_keeps_no_short_request_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_WAITING_THREADS", 30)
    with running(Acting(act), tmp_path) as port, ExitStack() as held:
        waiting = [held.enter_context(connect(port, JOB)) for _ in range(30)]
        until(lambda: threads("job") >= 30)
        began = time.monotonic()
        for _ in range(20):
            assert exchange(port, GET).endswith(b"/statistics")
        assert time.monotonic() - began < 5
        # Beyond the bound nobody waits in silence.
        head, _, body = exchange(port, JOB).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert (json.loads(body)["HttpStatus"], json.loads(body)["OrthancStatus"]) == (503, 36)
        # Whoever does not wait is no concern of this.
        begun = JOB.replace(b": 2\r\n\r\n{}", b': 22\r\nConnection: close\r\n\r\n{"Asynchronous": true }')
        assert exchange(port, begun).startswith(b"HTTP/1.1 200 ")
        # A client that goes gives its place back.
        for one in waiting[:10]:
            one.close()
        again: list[socket.socket] = []

        def taken() -> bool:
            again.append(held.enter_context(connect(port, JOB)))
            again[-1].settimeout(0.3)
            with suppress(TimeoutError):
                return not again[-1].recv(1)
            return True

        until(taken)
        for one in [*waiting, *again]:
            one.close()


def test_short_requests_beyond_the_bound_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_SHORT_THREADS", 2)
    monkeypatch.setattr(serving, "_SHORT_QUEUE", 1)
    release = threading.Event()

    def hold(_: object, __: object) -> dict[str, Any]:
        release.wait(20)
        return says()

    statuses: list[bytes] = []

    def call(port: int) -> None:
        statuses.append(exchange(port, GET)[9:12])

    with running(Acting(hold), tmp_path) as port:
        callers = [threading.Thread(target=call, args=(port,)) for _ in range(5)]
        for caller in callers:
            caller.start()
        until(lambda: len(statuses) == 2)
        release.set()
        for caller in callers:
            caller.join(20)
    assert sorted(statuses) == [b"200"] * 3 + [b"503"] * 2


@pytest.mark.parametrize("beginning", ["nothing", "half a head", "half a small body"])
def test_a_client_that_stands_still_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: str
) -> None:
    monkeypatch.setattr(porch, "_HEAD_SECONDS", 0.5)
    monkeypatch.setattr(porch, "_STALLED_SECONDS", 0.5)
    monkeypatch.setattr(porch, "_SWEEP_SECONDS", 0.1)
    with running(Acting(act), tmp_path) as port:
        began = time.monotonic()
        received = exchange(port, BEGINNINGS[beginning])
        assert received[:12] == (b"HTTP/1.1 408" if "body" in beginning else b"")
        assert 0.4 < time.monotonic() - began < 5


def test_one_connection_too_many_takes_the_place_of_an_idle_one(tmp_path: Path) -> None:
    with running(Acting(act), tmp_path, most=5) as port, ExitStack() as held:
        idle = [held.enter_context(connect(port, b"")) for _ in range(5)]
        for _ in range(3):
            assert exchange(port, GET).endswith(b"/statistics")
        assert idle[0].recv(1) == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"\x01\x00\x00\x00\x00\xcd\x00\x01\x00\x00" + b"ANY-SCP         STORESCU        " + bytes(200),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0",
        b"hello\r\n",
    ],
)
def test_a_client_that_speaks_no_http_is_sent_away_at_once(tmp_path: Path, sent: bytes) -> None:
    with running(Acting(act), tmp_path) as port:
        began = time.monotonic()
        assert exchange(port, sent).startswith(b"HTTP/1.1 400 ")
        assert time.monotonic() - began < 1


REFUSALS = {413: BadRequestError("Too large"), 507: StorageFullError("Full")}


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_body_that_is_not_taken_is_answered_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, *, in_chunks: bool
) -> None:
    refusal = REFUSALS[status]
    monkeypatch.setattr(refusal, "status", status)
    admitted: list[int] = []

    def admit(_: object, size: int) -> None:
        if size > 1_000_000:
            raise refusal
        admitted.append(size)

    monkeypatch.setattr(Application, "admit", staticmethod(admit))
    size = 50_000_000
    framing = "Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {size}"
    piece = b"8000\r\n" + bytes(0x8000) + b"\r\n"
    with running(Acting(act), tmp_path) as port, connect(port, b"") as client:
        client.sendall(f"POST /instances HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        with suppress(ConnectionError):  # sooner or later the server stops reading
            for _ in range(size // len(piece)):
                client.sendall(piece)
                if not in_chunks:
                    break
        received = client.recv(1 << 16)
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert json.loads(body)["HttpStatus"] == status
        assert b"Connection: close" in head
    assert admitted == ([0] if in_chunks else [])
    assert list(tmp_path.iterdir()) == []


def test_requests_that_come_at_once_are_answered_in_their_order(tmp_path: Path) -> None:
    requests = [
        b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HEAD /system HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /d HTTP/1.0\r\n\r\n",
    ]
    with running(Acting(act), tmp_path) as port:
        received = exchange(port, b"".join(requests))
        assert [part[:4].strip() for part in received.split(b"\r\n\r\n")[1:]] == [
            *(b"/aHT", b"/bHT", b"/cHT", b"HTTP", b"/d")
        ]
        assert received.count(b"HTTP/1.1 200 OK") == 5


@pytest.mark.parametrize("count", [1, 60])
def test_whoever_has_connected_when_the_end_comes_is_answered(tmp_path: Path, count: int) -> None:
    with running(Acting(act), tmp_path) as port:
        clients = [connect(port, GET) for _ in range(count)]
    for client in clients:
        with client:
            received = b""
            while chunk := client.recv(1 << 16):
                received += chunk
            assert received.startswith(b"HTTP/1.1 200 OK")


def test_whoever_waits_for_a_job_when_the_end_comes_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "DRAIN_SECONDS", 1.5)
    with running(Acting(act), tmp_path) as port:
        client = connect(port, JOB)
        until(lambda: threads("job") > 0)
    with client:
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
