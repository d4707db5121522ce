"""Heads of requests: read the same in whatever pieces they come, refused where they are ambiguous."""

from __future__ import annotations

import pytest

from local.front.errors import HeadTooLargeError, MalformedRequestError
from local.front.heads import LARGEST_HEAD, MOST_FIELDS, Head, HeadReader

ASSOCIATE = b"\x01\x00\x00\x00\x00\xcd\x00\x01\x00\x00ANY-SCP         STORESCU        "
REQUEST = (
    b"\r\nPOST /a%20b?x=1&y HTTP/1.1\r\nHost: localhost\r\nX-Two: 1\r\nContent-Length: 7\r\n"
    b"x-two:  2 \r\nX-Empty:\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\n"
)
HEAD = Head(
    "POST",
    "/a b",
    "x=1&y",
    "1.1",
    {
        "host": "localhost",
        "x-two": "1, 2",
        "content-length": "7",
        "x-empty": "",
        "connection": "keep-alive, Upgrade",
        "upgrade": "h2c",
    },
    7,
)


def read(*pieces: bytes) -> tuple[Head, bytes] | None:
    reader = HeadReader()
    found = None
    for piece in pieces:
        assert found is None
        found = reader.feed(piece)
    return found


@pytest.mark.parametrize("at", range(1, len(REQUEST)))
def test_a_head_is_the_same_wherever_it_is_cut(at: int) -> None:
    assert read(REQUEST[:at], REQUEST[at:] + b"the body") == (HEAD, b"the body")


def test_a_head_comes_byte_by_byte() -> None:
    assert read(*(REQUEST[at : at + 1] for at in range(len(REQUEST)))) == (HEAD, b"")


CHUNKED = b"Transfer-Encoding: chunked\r\n"
MALFORMED = {
    "an association": ASSOCIATE,
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "no request line": b"hello\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/3": b"GET / HTTP/3.0\r\n\r\n",
    "CONNECT": b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    "an unknown method": b"FOO / HTTP/1.1\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
    "a line that is folded": b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nX : a\r\n\r\n",
    "bytes in the target": b"GET /\xff HTTP/1.1\r\n\r\n",
    "both lengths": b"POST / HTTP/1.1\r\nContent-Length: 3\r\n" + CHUNKED + b"\r\n",
    "both lengths, reversed": b"POST / HTTP/1.1\r\n" + CHUNKED + b"Content-Length: 3\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    "the same length twice": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
    "a list of lengths": b"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
    "a signed length": b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
    "a hexadecimal length": b"POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\n",
    "an empty length": b"POST / HTTP/1.1\r\nContent-Length: \r\n\r\n",
    "an endless length": b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "gzip": b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    "gzip in chunks": b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "another coding": b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "identity behind chunks": b"POST / HTTP/1.1\r\n" + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n",
    "chunks twice": b"POST / HTTP/1.1\r\n" + CHUNKED + CHUNKED + b"\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("bytewise", [False, True])
def test_what_can_be_understood_in_two_ways_or_none_is_refused(name: str, *, bytewise: bool) -> None:
    data = MALFORMED[name]
    with pytest.raises(MalformedRequestError):
        read(*([data[at : at + 1] for at in range(len(data))] if bytewise else [data]))


def test_what_is_no_http_is_refused_at_its_first_byte() -> None:
    with pytest.raises(MalformedRequestError):
        read(ASSOCIATE[:1])


@pytest.mark.parametrize("at_once", [False, True])
def test_a_head_without_end_is_refused(*, at_once: bool) -> None:
    start = b"GET / HTTP/1.1\r\nX: "
    pieces = [b"a" * LARGEST_HEAD] if at_once else [b"a" * 1000] * (LARGEST_HEAD // 1000)
    with pytest.raises(HeadTooLargeError):
        read(start, *pieces, b"a" * 1000)


def test_a_head_with_very_many_fields_is_refused() -> None:
    fields = b"X: a\r\n" * MOST_FIELDS
    found = read(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
    assert found is not None
    assert found[0].headers["x"].count("a") == MOST_FIELDS
    with pytest.raises(HeadTooLargeError):
        read(b"GET / HTTP/1.1\r\n" + fields + b"X: a\r\n\r\n")


@pytest.mark.parametrize(
    ("version", "connection", "expected"),
    [
        ("1.1", "", True),
        ("1.1", "close", False),
        ("1.1", "Close", False),
        ("1.0", "", False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_who_keeps_a_connection(version: str, connection: str, *, expected: bool) -> None:
    found = read(f"GET / HTTP/{version}\r\nConnection: {connection}\r\n\r\n".encode())
    assert found is not None
    assert found[0].keeps_alive is expected
