"""Reading an object of S3 at any position."""

from __future__ import annotations

from collections import deque

from dicomorph.aws.objects.kept_ranges import KeptRanges
from dicomorph.aws.objects.stored_object import StoredObject
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import Buffer

_FIRST = 64 << 10  # holds the header of most files
_JUMP = 512  # holds the header of a frame
_BEFORE = 32  # bytes; the end of the frame before it
_JUMPS = 4  # are remembered
_NEAR = 256 << 10  # whoever jumps less far is served faster by one stream than by a request for each jump
_LARGEST = 8 << 20
_WHOLE = 1 << 20  # one request for a little more costs less than a second request


class RangedSource:
    """A source that fetches what is asked for: more of it each time while it is read on, little after a jump.

    What it begins with stays in memory, up to 8 MiB, for a header is read several times; so do some
    8 MiB where it was read last.

    Parameters
    ----------
    stored : StoredObject
        What is read.
    scratch : FileScratch
        Where what it unfolds to is kept, and what was fetched in long ranges.
    """

    def __init__(self, stored: StoredObject, scratch: FileScratch) -> None:
        self.stored = stored
        self.size, self.fragments = stored.ref.size, stored.ref.fragments
        self.scratch = scratch
        self._kept = KeptRanges(stored.fetch, scratch)
        self._head = b""
        self._jumps: deque[tuple[bytes, int]] = deque(maxlen=_JUMPS)
        self._buffer, self._start = b"", 0
        self._last = self._walked = 0  # where what was read last ended, and the last window
        self._step = self.size if self.size <= _WHOLE else _FIRST  # of windows
        self._jump = _JUMP  # of short ranges

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return the buffer, which what is missing is fetched into first."""
        stop = min(start + length, self.size)
        if stop <= len(self._head):
            return self._head, 0
        if start < self._start or stop > self._start + len(self._buffer):
            if start < len(self._head):  # on from the head
                self._turn_to(self._head, 0)
            if abs(start - self._walked) > _NEAR:
                self._step = _FIRST
            held = self._end if self._start <= start <= self._end else start
            self._extend(start, max(stop, held + self._step))
            self._step = min(2 * self._step, _LARGEST)
        self._last = self._walked = self._end
        return self._buffer, self._start

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, cut at the end of the source."""
        stop = min(stop, self.size)
        if start >= stop:
            return b""
        for buffer, base in ((self._head, 0), (self._buffer, self._start), *self._jumps):
            held = base + len(buffer)
            if base <= start < held:
                self._last = min(stop, held)
                found = buffer[start - base : stop - base]
                return found if stop <= held else found + self.read(held, stop)
        if stop - start >= _WHOLE:
            self._last = stop
            return self._kept.fetch(start, stop)
        self._jump = min(2 * self._jump, _LARGEST) if abs(start - self._last) <= _NEAR else _JUMP
        is_inside = self._start <= start <= self._end
        self._extend(start if is_inside else max(0, start - _BEFORE), max(stop, start + self._jump))
        self._last = stop
        return self._buffer[start - self._start : stop - self._start]

    def close(self) -> None:
        """Forget what was read."""
        self._head, self._buffer, self._start = b"", b"", 0
        self._jumps.clear()
        self._kept.close()

    @property
    def _end(self) -> int:
        return self._start + len(self._buffer)

    def _extend(self, start: int, reach: int) -> None:
        """Have the bytes from a position up to another in the buffer, if there are so many."""
        if not self._start <= start <= self._end:
            self._turn_to(b"", start)
        if reach - self._start > _LARGEST:  # walked on: the past goes, unless it is asked for
            self._turn_to(self._buffer[start - self._start :], start)
        self._buffer += self._kept.fetch(self._end, min(reach, self.size))

    def _turn_to(self, buffer: bytes, start: int) -> None:
        if self._start == 0 and len(self._buffer) > len(self._head):
            self._head = self._buffer[:_LARGEST]
        elif len(self._buffer) <= _FIRST:
            self._jumps.append((self._buffer, self._start))
        self._buffer, self._start = buffer, start
