"""Bodies in chunks: the same in whatever pieces they come, refused where they are none."""

from __future__ import annotations

import pytest

from local.front.chunks import ChunkDecoder
from local.front.errors import MalformedRequestError

CODED = b'5\r\nhello\r\n0A;name="x"\r\n0123456789\r\n1 \r\n\r\r\n0\r\nX-Sum: 1\r\n\r\n'
BODY = b"hello0123456789\r"


def decode(*pieces: bytes) -> tuple[bytes, bytes, bool]:
    decoder = ChunkDecoder()
    body, rest = b"", b""
    for piece in pieces:
        found, rest = decoder.feed(rest + piece)
        body += b"".join(found)
    return body, rest, decoder.is_complete


@pytest.mark.parametrize("at", range(len(CODED)))
def test_a_body_is_the_same_wherever_it_is_cut(at: int) -> None:
    assert decode(CODED[:at], CODED[at:] + b"GET / HTTP/1.1") == (BODY, b"GET / HTTP/1.1", True)


def test_a_body_comes_byte_by_byte() -> None:
    assert decode(*(CODED[at : at + 1] for at in range(len(CODED)))) == (BODY, b"", True)


@pytest.mark.parametrize("at", range(len(CODED) - 1))
def test_a_body_that_is_cut_off_is_not_complete(at: int) -> None:
    assert decode(CODED[:at])[2] is False


@pytest.mark.parametrize(
    "coded",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b" 1\r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b"5\nhello\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"6\r\nhello\r\n0\r\n\r\n",
        b"1;\0\r\na\r\n",
        b"10000000000000000\r\n",
        b"1" * 5000,
        b"0\r\n" + b"X: 1\r\n" * 100,
        b"0\r\nX: 1\n\r\n",
    ],
)
@pytest.mark.parametrize("bytewise", [False, True])
def test_what_is_not_in_chunks_is_refused(coded: bytes, *, bytewise: bool) -> None:
    pieces = [coded[at : at + 1] for at in range(len(coded))] if bytewise else [coded]
    with pytest.raises(MalformedRequestError):
        decode(*pieces)
