"""Bodies of requests on their way in: in memory while there is room for all, else each in one file."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from dicomorph.embedded.objects.errors import translated
from dicomorph.model.errors import DataFolderGoneError
from local.front.chunks import ChunkDecoder
from local.front.connection import Connection
from local.front.memory import Memory

_LARGEST_IN_MEMORY: Final = 1 << 20
_MEMORY: Final = 32 << 20  # bytes for all bodies that are in memory at once
_PIECE: Final = 256 << 10
_CODED_PIECE: Final = 64 << 10  # may hold ten thousand chunks
_ADMITTED_AT_ONCE: Final = 1 << 20


class BodyStore(Memory):
    """Where bodies go.

    Parameters
    ----------
    folder : Path
        For files, on the file system of the object store, which takes them as they are.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(_MEMORY)
        self.folder = folder


class Body:
    """The body of one request.

    Parameters
    ----------
    length : int, optional
        Bytes; None if it comes in chunks.
    admit : Callable[[int], None]
        Raises an error if a body of a size is not taken. It is asked before anything is read, with
        the declared size, or with 0 and then with each megabyte of a body in chunks.

    Raises
    ------
    DicomorphError
        If a body of this length is not taken.
    """

    def __init__(self, store: BodyStore, length: int | None, admit: Callable[[int], None]) -> None:
        if length != 0:
            admit(length or 0)
        self._admit = admit
        self._admitted = length or 0
        self._store = store
        self._left = length
        self._decoder = ChunkDecoder() if length is None else None
        self._memory = io.BytesIO()
        self._file: int | None = None
        self._reserved = 0
        self.path: Path | None = None
        self.size = 0
        if length and not self._fits(length):
            self._open_file()

    @property
    def data(self) -> bytes:
        """The body, if it is not in a file."""
        return self._memory.getvalue()  # without a copy

    def read(self, connection: Connection) -> bool:
        """Read on; tell whether the body is complete, or the connection would make one wait.

        Raises
        ------
        ConnectionError
            If the client went away before it was.
        DicomorphError
            If it is malformed, not taken, or cannot be written.
        """
        done = self._read_chunks(connection) if self._decoder else self._read_length(connection)
        if done:
            with translated():  # some file systems tell only now that the disk is full
                self._close_file()
        return done

    def close(self) -> None:
        """Forget the body; the store may have taken its file.

        It raises nothing: where the disk has become read-only, the next start removes the file.
        """
        self._forget_memory()
        with suppress(OSError):
            self._close_file()
        path, self.path = self.path, None
        if path is not None:
            with suppress(OSError):
                path.unlink()

    def _read_length(self, connection: Connection) -> bool:
        while self._left:
            piece = connection.receive(min(self._left, _PIECE))
            if piece is None:
                return False
            self._left -= len(piece)
            self._write(piece)
        return True

    def _read_chunks(self, connection: Connection) -> bool:
        decoder = self._decoder
        assert decoder is not None  # noqa: S101 - for mypy
        while not decoder.is_complete:
            piece = connection.receive(_CODED_PIECE)
            if piece is None:
                return False
            found, rest = decoder.feed(piece)
            if self.size + len(piece) - self._admitted > _ADMITTED_AT_ONCE:
                self._admitted = self.size + sum(map(len, found))
                self._admit(self._admitted)
            if found:
                self._write(found[0] if len(found) == 1 else b"".join(found))
            connection.give_back(rest)
        return True

    def _write(self, piece: bytes) -> None:
        is_first = not self.size
        self.size += len(piece)
        if self._file is None:
            if self._fits(self.size):
                # One buffer: objects of their own for pieces of two bytes would take thirty times their size.
                if is_first:
                    self._memory = io.BytesIO(piece)  # without a copy, until there is more
                    self._memory.seek(0, os.SEEK_END)
                else:
                    self._memory.write(piece)
                return
            self._open_file()
        with translated():
            _write_all(self._file, piece)

    def _fits(self, size: int) -> bool:
        if size <= self._reserved:
            return True
        if size > _LARGEST_IN_MEMORY or not self._store.reserve(size - self._reserved):
            return False
        self._reserved = size
        return True

    def _open_file(self) -> None:
        with translated():
            try:
                self._file, name = tempfile.mkstemp(dir=self._store.folder)
            except (FileNotFoundError, NotADirectoryError):
                raise DataFolderGoneError from None
            self.path = Path(name)
            _write_all(self._file, self._memory.getbuffer())
        self._forget_memory()

    def _forget_memory(self) -> None:
        self._memory = io.BytesIO()
        self._store.release(self._reserved)
        self._reserved = 0

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _write_all(target: int | None, piece: bytes | memoryview) -> None:
    assert target is not None  # noqa: S101 - for mypy
    view = memoryview(piece)
    while view:
        view = view[os.write(target, view) :]
