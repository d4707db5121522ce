"""Writing to file descriptors: small pieces gathered, long ranges copied by the kernel."""

from __future__ import annotations

import errno
import os
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


def write_script(target: int, source: int, script: EditScript) -> None:
    """Write the output of an edit script.

    Parameters
    ----------
    target, source : int
        File descriptors; the output begins at the position of `target`.

    Raises
    ------
    InternalError
        If the script names bytes behind the end of the source.
    """
    pieces: list[bytes] = []
    size = 0
    for part in script.parts:
        if isinstance(part, bytes):
            piece = part
        elif not isinstance(part, tuple):
            write_all(target, pieces)
            pieces, size = [], 0
            for chunk in part.chunks(lambda start, stop: read_range(source, start, stop)):
                write_all(target, [chunk])
            continue
        elif part[1] - part[0] > _GATHERED_BYTES:
            write_all(target, pieces)
            pieces, size = [], 0
            copy_range(target, source, *part)
            continue
        else:
            piece = read_range(source, *part)
        pieces.append(piece)
        size += len(piece)
        if size >= _GATHERED_BYTES or len(pieces) == _GATHERED_PIECES:
            write_all(target, pieces)
            pieces, size = [], 0
    write_all(target, pieces)


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
