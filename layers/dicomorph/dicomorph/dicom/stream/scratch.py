"""Where bytes lie that a file unfolds to while it is looked at: in memory, or in a file without a name."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence

from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.source import MAXIMUM_INFLATED_SIZE, BufferSource, Source
from dicomorph.model.errors import StorageFullError, TransientError

_IN_MEMORY = 1 << 20  # bytes; a file costs more time than so much memory is worth
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class FileScratch:
    """The protocol `source.Scratch` on files that the deployment makes.

    Parameters
    ----------
    create : Callable[[], int]
        Returns the descriptor of a new file, to read and write, that is gone once it is closed.
    check_room : Callable[[int], None]
        Asked before so many bytes are written; raises `StorageFullError`.
    largest_inflated : int
        Bytes of the largest data set that is inflated.
    """

    def __init__(
        self,
        create: Callable[[], int],
        *,
        check_room: Callable[[int], None] = lambda _size: None,
        largest_inflated: int = MAXIMUM_INFLATED_SIZE,
    ) -> None:
        self._create = create
        self._check_room = check_room
        self.largest_inflated = largest_inflated

    def keep(self, pieces: Iterable[bytes]) -> Source:
        """Return a source of all pieces, which go to a file as soon as they are more than a mebibyte.

        Raises
        ------
        StorageFullError
            If there is no space for the file.
        """
        waiting: list[bytes] = []
        size = 0
        rest = iter(pieces)
        for piece in rest:
            waiting.append(piece)
            size += len(piece)
            if size > _IN_MEMORY:
                return self._in_file(waiting, rest)
        return BufferSource(b"".join(waiting), self)

    def open_file(self) -> int:
        """Return the descriptor of a new file, to read and write; whoever closes it removes it."""
        try:
            return self._create()
        except OSError as error:
            raise _translated(error) from error

    def write(self, descriptor: int, pieces: Sequence[bytes | bytearray]) -> None:
        """Append pieces to such a file.

        Raises
        ------
        StorageFullError
            If there is no space for them.
        """
        self._check_room(sum(map(len, pieces)))
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            raise _translated(error) from error

    def _in_file(self, waiting: list[bytes], rest: Iterable[bytes]) -> MappedSource:
        descriptor = self.open_file()
        try:
            self.write(descriptor, waiting)
            waiting.clear()
            for piece in rest:
                self.write(descriptor, [piece])
        except BaseException:
            os.close(descriptor)
            raise
        return MappedSource(descriptor, self)


def _translated(error: OSError) -> StorageFullError | TransientError:
    """Return our error for one of the system's, whose message would name a path."""
    if error.errno in _FULL:
        return StorageFullError("No space is left to work on a file")
    return TransientError(f"No file to work on: {errno.errorcode.get(error.errno or 0, 'unknown error')}")
