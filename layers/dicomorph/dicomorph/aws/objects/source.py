"""Reading an object of S3 at any position."""

from __future__ import annotations

from collections.abc import Callable

from dicomorph.dicom.stream.source import Buffer, Scratch

_FIRST = 64 << 10  # holds the header of most files
_LARGEST = 8 << 20
_WHOLE = 1 << 20  # one request for a little more costs less than a second request


class RangedSource:
    """A source that fetches what is asked for, and more of it each time.

    Parameters
    ----------
    fetch : Callable[[int, int], bytes]
        Gets the bytes from the first position up to the second, which is not included.
    size : int
        Of the object, in bytes.
    scratch : Scratch
        Where what it unfolds to is kept.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, scratch: Scratch) -> None:
        self.size = size
        self.scratch = scratch
        self._fetch = fetch
        self._buffer = b""
        self._start = 0
        self._step = size if size <= _WHOLE else _FIRST

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return the buffer, which what is missing is fetched into first."""
        stop = min(start + length, self.size)
        held = self._start + len(self._buffer)
        if start < self._start or stop > held:
            if not self._start <= start <= held:  # a jump: what was read is of no use
                self._buffer, self._start, held = b"", start, start
            reach = min(max(stop, held + self._step), self.size)
            self._step = min(2 * self._step, _LARGEST)
            if reach - self._start > _LARGEST:  # walked on: the past goes, unless it is asked for
                self._buffer, self._start = self._buffer[start - self._start :], start
            self._buffer += self._fetch(held, reach)
        return self._buffer, self._start

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the source."""
        stop = min(stop, self.size)
        if start >= stop:
            return b""
        inside = self._start <= start and stop <= self._start + len(self._buffer)
        if not inside and stop - start >= self._step:
            return self._fetch(start, stop)
        buffer, at = self.window(start, stop - start)
        return bytes(buffer[start - at : stop - at])

    def close(self) -> None:
        """Forget what was read."""
        self._buffer, self._start = b"", 0
