"""Writing to file descriptors: small pieces gathered, long ranges copied by the kernel."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Sequence

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.model.errors import InternalError

# Measured: up to about a megabyte, reading and writing is faster than a copy in the kernel.
_GATHERED_BYTES = 1 << 20
_GATHERED_PIECES = 512  # POSIX lets a kernel refuse more than 1024 (IOV_MAX)

# Two file systems, or one that cannot do it: the plain way remains.
_UNSUPPORTED = frozenset((errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM))


def write_all(target: int, pieces: Sequence[bytes]) -> None:
    """Write pieces one after the other, however little the kernel takes at once."""
    waiting = [memoryview(piece) for piece in pieces if piece]
    while waiting:
        written = os.writev(target, waiting[:_GATHERED_PIECES])
        done = 0
        while done < len(waiting) and written >= len(waiting[done]):
            written -= len(waiting[done])
            done += 1
        del waiting[:done]
        if written:
            waiting[0] = waiting[0][written:]


def write_script(target: int, source: int, script: EditScript, *, crc32: int | None = None) -> int:
    """Write the output of an edit script; return its CRC-32.

    Parameters
    ----------
    target, source : int
        File descriptors; the output begins at the position of `target`.
    crc32 : int, optional
        Of the output, if it is known: then nothing is read for it.

    Raises
    ------
    InternalError
        If the script names bytes behind the end of the source.
    """
    output = _Output(target, sums=crc32 is None)
    for part in script.parts:
        if isinstance(part, bytes):
            output.add(part)
        elif not isinstance(part, tuple):
            for chunk in part.chunks(lambda start, stop: read_range(source, start, stop)):
                output.add(chunk)
        elif part[1] - part[0] > _GATHERED_BYTES:
            output.copy(source, *part)
        else:
            output.add(read_range(source, *part))
    output.flush()
    return output.crc32 if crc32 is None else crc32


class _Output:
    """A file that is being written: pieces are gathered until they are worth a call."""

    def __init__(self, target: int, *, sums: bool) -> None:
        self.crc32 = 0
        self._target = target
        self._sums = sums
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= _GATHERED_BYTES or len(self._pieces) == _GATHERED_PIECES:
            self.flush()

    def copy(self, source: int, start: int, stop: int) -> None:
        self.flush()
        copy_range(self._target, source, start, stop)
        if self._sums:
            self.crc32 = crc32_of_range(source, start, stop, self.crc32)

    def flush(self) -> None:
        write_all(self._target, self._pieces)
        if self._sums:
            for piece in self._pieces:
                self.crc32 = zlib.crc32(piece, self.crc32)
        self._pieces, self._size = [], 0


def crc32_of_range(source: int, start: int, stop: int, before: int = 0) -> int:
    """Return the CRC-32 of a range of a file, of which a megabyte is in memory at a time.

    Parameters
    ----------
    before : int
        The CRC-32 of bytes that precede the range.
    """
    while start < stop:
        end = min(stop, start + _GATHERED_BYTES)
        before = zlib.crc32(read_range(source, start, end), before)
        start = end
    return before


def copy_range(target: int, source: int, start: int, stop: int) -> None:
    """Append a range of one file to another, without it passing through this process if possible."""
    while start < stop:
        try:
            copied = os.copy_file_range(source, target, stop - start, start)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            break
        if not copied:  # the end of the file, or a file system that says so wrongly
            break
        start += copied
    while start < stop:
        chunk = read_range(source, start, min(stop, start + _GATHERED_BYTES))
        write_all(target, [chunk])
        start += len(chunk)


def read_range(source: int, start: int, stop: int) -> bytes:
    """Return a range of a file, however little the kernel gives at once."""
    data = os.pread(source, stop - start, start)
    if len(data) == stop - start:
        return data
    pieces = [data]
    start += len(data)
    while start < stop:
        data = os.pread(source, stop - start, start)
        if not data:
            raise InternalError("A range reaches behind the end of its file")
        pieces.append(data)
        start += len(data)
    return b"".join(pieces)
