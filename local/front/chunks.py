"""Bodies in chunks (RFC 9112 7.1), strictly: whoever reads one otherwise sees other requests."""

from __future__ import annotations

import re
from typing import Final

from local.front.errors import MalformedRequestError

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?")
_CR: Final = 13
_LF: Final = 10
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
        # By positions: what is left is never copied, however small the chunks are.
        found: list[bytes] = []
        at = 0
        while at < len(data) and not self.is_complete:
            at = self._take(data, at, found) if self._left else self._take_line(data, at)
        return found, data[at:]

    def _take(self, data: bytes, at: int, found: list[bytes]) -> int:
        body = self._left - 2
        if body > 0:
            found.append(data[at : at + body])
            self._left -= len(found[-1])
            return at + len(found[-1])
        if data[at] != (_CR if self._left == 2 else _LF):  # noqa: PLR2004 - of two
            raise MalformedRequestError("A chunk of the body has another length than it says")
        self._left -= 1
        return at + 1

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at, at + _LONGEST_LINE + 1)
        stop = len(data) if end < 0 else end
        self._line += data[at:stop]
        if len(self._line) > _LONGEST_LINE:
            raise MalformedRequestError("The body is not in chunks")
        if end < 0:
            return stop
        whole, self._line = self._line, b""
        if not whole.endswith(b"\r"):
            raise MalformedRequestError("The body is not in chunks")
        self._read_line(whole[:-1])
        return end + 1

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
