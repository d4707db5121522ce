"""What was fetched of a remote object, in a file without a name: so that nothing long comes twice."""

from __future__ import annotations

import os
import weakref
from bisect import bisect_right
from collections.abc import Callable

from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.model.errors import DicomorphError

_KEPT_FROM = 64 << 10  # bytes; shorter ranges are asked for again
_MOST = 1 << 30  # bytes; the rest of a larger object may come twice


class KeptRanges:
    """Fetches ranges of an object, those that are long once.

    Frames are searched from front to back, which takes an object as a whole where they are small;
    and where something leaves them, all that stays is read anew to be sent.

    Parameters
    ----------
    fetch : Callable[[int, int], bytes]
        Gets the bytes from the first position up to the second, which is not included.
    scratch : FileScratch
        Where the file is. If there is no room for it, ranges come as often as they are asked for.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], scratch: FileScratch) -> None:
        self._fetch = fetch
        self._scratch = scratch
        self._starts: list[int] = []  # of what is there, in order; nothing twice
        self._stops: list[int] = []
        self._room = _MOST
        self._descriptor = -1
        self._close: Callable[[], object] = lambda: None

    def fetch(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range, of which only what is missing is fetched."""
        pieces: list[bytes] = []
        while start < stop or not pieces:
            after = bisect_right(self._starts, start)
            held = self._stops[after - 1] if after else 0
            if start < held:
                reach = min(stop, held)
                pieces.append(os.pread(self._descriptor, reach - start, start))
            else:
                reach = min(stop, self._starts[after]) if after < len(self._starts) else stop
                pieces.append(self._fetch(start, reach))
                self._keep(after, start, pieces[-1])
            start = reach
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Forget all, and keep nothing any more."""
        self._close()
        self._starts, self._stops, self._room = [], [], 0

    def _keep(self, after: int, start: int, data: bytes) -> None:
        size = len(data)
        if not _KEPT_FROM <= size <= self._room:
            return
        try:
            self._write(start, data)
        except (DicomorphError, OSError):  # no room: the rest is asked for as often as it is needed
            self.close()
            return
        self._room -= size
        if after and self._stops[after - 1] == start:
            self._stops[after - 1] = start + size
        else:
            self._starts.insert(after, start)
            self._stops.insert(after, start + size)

    def _write(self, start: int, data: bytes) -> None:
        """Write bytes to where they are in the object; nothing lies between."""
        if self._descriptor < 0:
            self._descriptor = self._scratch.open_file()
            self._close = weakref.finalize(self, os.close, self._descriptor)
        with memoryview(data) as rest:
            done = 0
            while done < len(rest):
                done += os.pwrite(self._descriptor, rest[done:], start + done)
