"""Bodies in chunks (RFC 9112 7.1), strictly: whoever reads one otherwise sees other requests."""

from __future__ import annotations

import re
from typing import Final

from local.front.errors import MalformedRequestError

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?")
_LONGEST_LINE: Final = 4096
_MOST_TRAILERS: Final = 64


class ChunkDecoder:
    """Takes a body apart, in however many pieces it comes."""

    def __init__(self) -> None:
        self._line = b""
        self._left = 0  # of the chunk, with the end of line behind it
        self._trailers: int | None = None
        self.is_complete = False

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Take a piece; return what is body in it, and what comes behind the body.

        Raises
        ------
        MalformedRequestError
            If it is not in chunks.
        """
        found: list[bytes] = []
        while data and not self.is_complete:
            data = self._take(data, found) if self._left else self._take_line(data)
        return found, data

    def _take(self, data: bytes, found: list[bytes]) -> bytes:
        body = self._left - 2
        if body > 0:
            found.append(data[:body])
            self._left -= len(found[-1])
            return data[len(found[-1]) :]
        if data[:1] != (b"\r" if self._left == 2 else b"\n"):  # noqa: PLR2004 - of two
            raise MalformedRequestError("A chunk of the body has another length than it says")
        self._left -= 1
        return data[1:]

    def _take_line(self, data: bytes) -> bytes:
        line, end, rest = data.partition(b"\n")
        self._line += line
        if len(self._line) > _LONGEST_LINE:
            raise MalformedRequestError("The body is not in chunks")
        if end:
            whole, self._line = self._line, b""
            if not whole.endswith(b"\r"):
                raise MalformedRequestError("The body is not in chunks")
            self._read_line(whole[:-1])
        return rest

    def _read_line(self, line: bytes) -> None:
        if self._trailers is not None:
            self._trailers += 1
            self.is_complete = not line
            if self._trailers > _MOST_TRAILERS:
                raise MalformedRequestError("The body has too many trailers")
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            raise MalformedRequestError("The body is not in chunks")
        length = int(size[1], 16)
        if length:
            self._left = length + 2
        else:
            self._trailers = 0
