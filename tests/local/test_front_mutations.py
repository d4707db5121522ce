"""Mutated requests, sent in pieces: each is answered or closed, and nothing is said on the terminal."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dicomorph.http.observability import get_logger
from tests.local.front import Acting, exchange, running, says
from tests.workflows.hearing import listening

CHUNKS = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nA: b\r\n\r\n"
REQUESTS = [
    b"GET /studies/1?expand HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    b"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\nhello world",
    b"POST /instances HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    b"HEAD /system HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST /studies/1/anonymize HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /instances/1/file HTTP/1.1\r\nRange: bytes=2-5\r\n\r\n",
]
WORDS = [
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", b" ", b":", b"0", b"-1", b"ffffffffffffffff", b"chunked"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1", b"a" * 70_000),
    *(b"Connection: close\r\n", b"Upgrade: h2c\r\n", b"Range: bytes=-5\r\n", b"Expect: 100-continue\r\n"),
]


def mutated(draw: random.Random) -> bytes:
    data = bytearray(b"".join(draw.choices(REQUESTS, k=draw.randint(1, 3))))
    for _ in range(draw.randint(0, 4)):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(4):
            case 0:
                data[at:at] = draw.choice(WORDS)
            case 1:
                del data[at : at + draw.randint(1, 30)]
            case 2:
                data[at : at + 1] = draw.randbytes(1)
            case _:
                data[at:at] = data[draw.randrange(len(data) + 1) :][:50]
        data = data or bytearray(b"\r\n")
    return bytes(data)


def send(port: int, data: bytes, draw: random.Random) -> bytes:
    """Send in pieces, and nothing more; return all that comes back."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, suppress(ConnectionError):
        while data:
            size = draw.choice([1, 7, 100, 1 << 20])
            client.sendall(data[:size])
            data = data[size:] if len(data) < 5000 else b""
        client.shutdown(socket.SHUT_WR)
        while piece := client.recv(1 << 16):
            received += piece
    return received


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 300), pytest.param(2, 30_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_mutated_requests_are_answered_or_closed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], seed: int, count: int
) -> None:
    with capfd.disabled():
        get_logger()  # which writes, for all tests, to what is the terminal when it is first asked for
    draw = random.Random(seed)  # noqa: S311 - no secret
    bodies: list[Any] = []

    def act(event: dict[str, Any], _: object) -> dict[str, Any]:
        bodies.append(event["body"])
        return says("0123456789")

    with listening() as heard, running(Acting(act), tmp_path) as port:
        for _ in range(count):
            data = mutated(draw)
            received = send(port, data, draw)
            assert received[:9] in (b"HTTP/1.1 ", b""), data
            assert b"HTTP/1.1 500" not in received, data
        assert exchange(port, b"GET / HTTP/1.0\r\n\r\n").endswith(b"0123456789")
    assert len(bodies) > count // 2
    assert list(tmp_path.iterdir()) == []
    assert [*heard.lines, heard.written.getvalue(), *capfd.readouterr()] == ["", "", ""]
