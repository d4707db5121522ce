"""Threads are shared: whoever sends or takes without end has one in turns, as all others."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from local.front import serving
from tests.local.front import Acting, exchange, running, says
from tests.local.test_server_tls import make_certificate

GET = b"GET /statistics HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /statistics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
JOB = b"POST /studies/1/anonymize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
UPLOAD = b"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000\r\n\r\n"
LARGE = 200 << 20


def act(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
    if event["path"] == "/instances/1/file":
        link = f"file://{event['files']}/large"
        return {"statusCode": 303, "multiValueHeaders": {"Location": [link]}, "body": ""}
    return says(event["path"])


@contextmanager
def endless(port: int, beginning: bytes, more: bytes) -> Iterator[None]:
    """Send without end, and take whatever comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        ended = threading.Event()

        def send() -> None:
            with suppress(OSError):
                connection.sendall(beginning)
                while not ended.is_set():
                    connection.sendall(more)

        def take() -> None:
            with suppress(OSError):
                while connection.recv(1 << 20):
                    pass

        threads = [threading.Thread(target=send), threading.Thread(target=take)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        try:
            yield
        finally:
            ended.set()
            connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)


@pytest.mark.parametrize("deed", ["requests", "upload", "downloads"])
def test_a_client_without_end_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    (tmp_path / "large").touch()
    with (tmp_path / "large").open("r+b") as file:
        file.truncate(LARGE)
    monkeypatch.setattr(serving, "_SHORT_THREADS", 1)
    download = GET.replace(b"/statistics", b"/instances/1/file")
    beginning, more = {
        "requests": (b"", GET * 100),
        "upload": (UPLOAD, bytes(1 << 20)),
        "downloads": (b"", download * 10),
    }[deed]
    functions = Acting(lambda event, left: act({**event, "files": tmp_path}, left))
    with running(functions, tmp_path) as port, endless(port, beginning, more):
        for _ in range(5):
            began = time.monotonic()
            assert exchange(port, LAST).endswith(b"/statistics")
            assert time.monotonic() - began < 3


def test_an_answer_to_a_job_goes_on_where_no_more_jobs_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_WAITING_THREADS", 1)
    size = 30_000_000
    first, goes_on = threading.Event(), threading.Event()

    def answer(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
        if not first.is_set():
            first.set()
            return says("x" * size)
        goes_on.wait(20)
        return says()

    with (
        running(Acting(answer), tmp_path) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as slow,
    ):
        slow.sendall(JOB)
        assert slow.recv(1)
        time.sleep(0.2)  # its thread has left it, and is free for the next job
        with socket.create_connection(("127.0.0.1", port), timeout=20) as waiting:
            waiting.sendall(JOB)
            time.sleep(0.2)
            got = 1
            while got < size:
                piece = slow.recv(1 << 20)
                assert piece, f"the answer was cut off after {got} bytes"
                got += len(piece)
            goes_on.set()
            assert waiting.recv(100).startswith(b"HTTP/1.1 200")


def test_what_was_taken_in_is_finished_whatever_else_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_SHORT_THREADS", 1)
    monkeypatch.setattr(serving, "_SHORT_QUEUE", 1)
    is_held, goes_on = threading.Event(), threading.Event()

    def answer(event: dict[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
        if event["path"] == "/statistics":
            is_held.set()
            goes_on.wait(20)
        return says("x" * (20_000_000 if event["path"] == "/system" else 1))

    def connect(sent: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        connection.sendall(sent)
        return connection

    with (
        running(Acting(answer), tmp_path) as port,
        connect(b"POST /instances HTTP/1.1\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc") as upload,
        connect(b"GET /system HTTP/1.1\r\nConnection: close\r\n\r\n") as download,
    ):
        got = len(download.recv(1))
        time.sleep(0.3)
        with connect(LAST) as holding:
            assert is_held.wait(5)
            with connect(LAST) as queued:
                time.sleep(0.2)
                upload.sendall(b"def")
                download.settimeout(0.3)
                with suppress(TimeoutError):
                    while piece := download.recv(1 << 16):
                        got += len(piece)
                download.settimeout(20)
                goes_on.set()
                assert holding.recv(100).startswith(b"HTTP/1.1 200")
                assert queued.recv(100).startswith(b"HTTP/1.1 200")
        assert upload.recv(100).startswith(b"HTTP/1.1 200")
        while piece := download.recv(1 << 20):
            got += len(piece)
        assert got > 20_000_000


def test_a_slow_client_over_tls_is_seen_to_take_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.front.porch._STALLED_SECONDS", 0.6)
    monkeypatch.setattr("local.front.porch._SWEEP_SECONDS", 0.1)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate, key = make_certificate(tmp_path, "own")
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.check_hostname = False
    size = 8_000_000
    with running(Acting(lambda *_: says("x" * size)), tmp_path, tls=context) as port:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        plain.connect(("127.0.0.1", port))
        plain.settimeout(20)
        with trusting.wrap_socket(plain) as client:
            client.sendall(b"GET /statistics HTTP/1.1\r\nConnection: close\r\n\r\n")
            began, got = time.monotonic(), 0
            while time.monotonic() - began < 1.6:
                got += len(client.recv(1 << 14))
                time.sleep(0.02)
            while piece := client.recv(1 << 20):
                got += len(piece)
    assert got > size
