"""Heads of requests: what llhttp, behind httptools, makes of bytes, and bounds on their size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from local.front.errors import HeadTooLargeError, MalformedRequestError

LARGEST_HEAD: Final = 64 << 10
MOST_FIELDS: Final = 256
_END: Final = b"\r\n\r\n"
_VERSIONS: Final = ("1.0", "1.1")
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """The request line and the header fields of a request.

    Parameters
    ----------
    path : str
        Without percent-encoding.
    headers : dict[str, str]
        By names in lower case; values of a field that came twice are joined (RFC 9110 5.3).
    length : int, optional
        Bytes of the body; None if it comes in chunks.
    """

    method: str
    path: str
    query: str
    version: str
    headers: dict[str, str]
    length: int | None

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send another request on the same connection."""
        asked = self.headers.get("connection", "").lower()
        return "keep-alive" in asked if self.version == "1.0" else "close" not in asked

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits before it sends the body (RFC 9110 10.1.1)."""
        return self.version == "1.1" and self.headers.get("expect", "").lower() == "100-continue"


class HeadReader:
    """Reads one head, in however many pieces it comes."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that have come."""
        self._tail = b""
        self._target = bytearray()
        self._fields: list[tuple[bytes, bytes]] = []
        self._is_complete = False
        self._parser = HttpRequestParser(self)

    @property
    def has_begun(self) -> bool:
        """Whether anything has come."""
        return self.size > 0

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """Take a piece; return the head and what came behind it once it is complete.

        Raises
        ------
        MalformedRequestError
            As soon as it is not HTTP/1, or says two things at once of its length.
        HeadTooLargeError
            If it goes on and on.
        """
        if not self.size:
            data = data.lstrip(b"\r\n")  # which may precede a request (RFC 9112 2.2)
        seen = self._tail + data
        end = seen.find(_END)
        stop = len(data) if end < 0 else end + len(_END) - len(self._tail)
        self._tail = seen[1 - len(_END) :]
        self.size += stop
        if self.size > LARGEST_HEAD:
            raise HeadTooLargeError("The head of the request is too large")
        self._parse(data[:stop])
        if self._is_complete != (end >= 0):  # two opinions on where a head ends are one too many
            raise MalformedRequestError("The head of the request is malformed")
        return (self._head(), data[stop:]) if self._is_complete else None

    def on_url(self, url: bytes) -> None:
        """Be told of a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Be told of a field."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Be told that the head ends."""
        self._is_complete = True

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:  # to what this server does not speak, which it may ignore
            pass
        except HttpParserError as error:
            raise MalformedRequestError("The request is not HTTP/1") from error
        if len(self._fields) > MOST_FIELDS:
            raise HeadTooLargeError("The head of the request has too many fields")

    def _head(self) -> Head:
        version = self._parser.get_http_version()
        method = self._parser.get_method().decode("ascii")
        if version not in _VERSIONS or method == "CONNECT":
            raise MalformedRequestError("The request is not one to a server of HTTP/1")
        headers: dict[str, str] = {}
        for raw, value in self._fields:
            name = raw.decode("latin-1").lower()
            text = value.decode("latin-1").strip(" \t")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        path, query = _path_and_query(bytes(self._target))
        return Head(method, path, query, version, headers, _length(headers, version))


def _path_and_query(target: bytes) -> tuple[str, str]:
    target = _ABSOLUTE.sub(b"", target.partition(b"#")[0], count=1) if target[:1] != b"/" else target
    path, _, query = target.partition(b"#")[0].partition(b"?")
    return unquote_to_bytes(path).decode("utf-8", "replace"), query.decode("latin-1")


def _length(headers: dict[str, str], version: str) -> int | None:
    coding = headers.get("transfer-encoding")
    if coding is None:
        return int(headers.get("content-length", "0"))  # llhttp has seen to it that it is digits
    if version == "1.0" or coding.lower() != "chunked":
        raise MalformedRequestError("The transfer encoding of the request is unknown")
    return None
