"""Answers on their way out, from memory or, by the kernel, from a file."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import BinaryIO, Final

from local.front.connection import TLS_PIECE, Connection

_PIECE: Final = 4 << 20  # of a file at once
_JOINED: Final = 64 << 10  # up to here, to copy a body behind its head is cheaper than to send it apart
_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Outgoing:
    """An answer.

    Parameters
    ----------
    headers : Sequence[tuple[str, str]]
        Without those of the transfer, such as Content-Length.
    body : bytes
        What does not come from a file; before that, if there is one.
    file : BinaryIO, optional
        Of which `size` bytes are sent, from `start` on; closed with the answer.
    tail : bytes
        What is sent behind the file.
    """

    def __init__(  # noqa: PLR0913 - an answer has so many
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        body: bytes = b"",
        *,
        file: BinaryIO | None = None,
        start: int = 0,
        size: int = 0,
        tail: bytes = b"",
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self._file = file
        self._start = start
        self._left = size if file is not None else 0
        self._tail = tail
        self.size = len(body) + self._left + len(tail)
        self._waiting: list[bytes | memoryview] = []

    def begin(self, *, version: str, keeps_alive: bool, has_body: bool) -> None:
        """Write the head.

        Parameters
        ----------
        has_body : bool
            False for the answer to a HEAD, which tells the size all the same.
        """
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", f"Date: {_date()}", "Server: Dicomorph"]
        lines += [f"{name}: {_line(value)}" for name, value in self.headers]
        if self.status not in _BODILESS:
            lines.append(f"Content-Length: {self.size}")
        if not keeps_alive:
            lines.append("Connection: close")
        elif version == "1.0":
            lines.append("Connection: keep-alive")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        if not has_body:
            self._left, self._tail, self._waiting = 0, b"", [head]
        elif self._left or len(self.body) > _JOINED:
            self._waiting = [head, self.body] if self.body else [head]
        else:
            self._waiting = [head + self.body]

    def send(self, connection: Connection) -> bool:
        """Send on; tell whether all is sent, or the client would make one wait.

        Raises
        ------
        OSError
            If the client went away, or the file is shorter than it was.
        """
        if not self._send_waiting(connection) or not self._send_file(connection):
            return False
        if self._tail:
            self._waiting, self._tail = [self._tail], b""
        return self._send_waiting(connection)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _send_waiting(self, connection: Connection) -> bool:
        while self._waiting:
            piece = self._waiting[0]
            sent = connection.send(piece, is_end=len(self._waiting) == 1 and not self._left)
            if sent is None:
                return False
            if sent == len(piece):
                del self._waiting[0]
            else:
                self._waiting[0] = memoryview(piece)[sent:]
        return True

    def _send_file(self, connection: Connection) -> bool:
        most = TLS_PIECE if connection.is_tls else _PIECE
        while self._left:
            assert self._file is not None  # noqa: S101 - for mypy
            sent = connection.send_file(self._file.fileno(), self._start, min(self._left, most))
            if sent is None:
                return False
            if not sent:
                raise ConnectionAbortedError
            self._start += sent
            self._left -= sent
        return True


_dates: dict[int, str] = {}


def _date() -> str:
    now = int(time.time())
    found = _dates.get(now)
    if found is None:
        _dates.clear()
        found = _dates[now] = email.utils.formatdate(now, usegmt=True)
    return found


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _line(value: str) -> str:
    """Return a value that cannot be mistaken for the end of its line."""
    return value.replace("\r", " ").replace("\n", " ") if "\n" in value or "\r" in value else value
