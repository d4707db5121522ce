"""The members of a ZIP archive, read by ranges: its directory first, then one member after the other."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import BadFileFormatError

_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_DICOM = (128, 132)  # where a DICOM file says that it is one (PS3.10 7.1); before, there may be anything
_LARGEST_DIRECTORY = 16 << 20  # bytes, for each of which a hostile one takes some ten of memory
_MOST_MEMBERS = 100_000
_FREE = 1 << 30  # bytes that any archive may unfold to
_RATIO = 200  # and larger ones, times their own size; blank images alone come near 1000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PIECE = 1 << 20
_LOCAL_HEADER = struct.Struct("<26xHH")  # ends in the lengths of the name and of what follows it
# What `zipfile` raises for archives that are none, damaged, encrypted or too new.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


def is_archive(source: Source) -> bool:
    """Tell whether a file is a ZIP archive, and no DICOM file that begins like one."""
    return source.read(0, 4) in _SIGNATURES and source.read(*_DICOM) != b"DICM"


class Archive:
    """A ZIP archive.

    Parameters
    ----------
    source : Source
        All of it; what is not asked for is not read.

    Raises
    ------
    BadFileFormatError
        If its directory cannot be read, or it unfolds to more than an honest one.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        with _damage_told("The directory of the archive is damaged"):
            self._file = zipfile.ZipFile(_SourceFile(source))
            self._members = self._file.infolist()
        self._check()

    def __len__(self) -> int:
        """Return how many members there are, folders included."""
        return len(self._members)

    def size(self, number: int) -> int:
        """Return to how many bytes a member unfolds, by its own account."""
        return self._members[number].file_size

    def is_content(self, number: int) -> bool:
        """Tell whether a member is to be taken: no folder, and no directory of a medium (PS3.10 8.6)."""
        member = self._members[number]
        return not member.is_dir() and member.filename.rpartition("/")[2].upper() != "DICOMDIR"

    def member(self, number: int) -> Source:
        """Return the content of a member.

        Raises
        ------
        BadFileFormatError
            If it is damaged, encrypted, compressed in a rare way, or too large.
        StorageFullError
            If there is no room to unfold it.
        """
        member = self._members[number]
        scratch = self._source.scratch
        if member.compress_type not in _METHODS:
            raise BadFileFormatError("A member of the archive is neither stored nor deflated")
        if member.file_size > scratch.largest_inflated:
            raise BadFileFormatError("A member of the archive is larger than MaximumInflatedSize")
        with (
            _damage_told("A member of the archive is damaged or encrypted"),
            self._file.open(member) as stream,
        ):
            return scratch.keep(_pieces(stream))

    def packed(self, number: int) -> Source:
        """Return a member as it is in the archive, with the header in front of it."""
        member = self._members[number]
        start = min(max(member.header_offset, 0), self._source.size)  # of what was cut off in front, below 0
        header = self._source.read(start, start + _LOCAL_HEADER.size)
        lengths = _LOCAL_HEADER.unpack(header) if len(header) == _LOCAL_HEADER.size else (0, 0)
        stop = start + _LOCAL_HEADER.size + sum(lengths) + member.compress_size
        return EditedSource(self._source, EditScript.of([(start, min(stop, self._source.size))]))

    def _check(self) -> None:
        if len(self._members) > _MOST_MEMBERS:
            raise BadFileFormatError(f"The archive has more than {_MOST_MEMBERS} members")
        if sum(member.compress_size for member in self._members) > self._source.size:
            raise BadFileFormatError("The members of the archive overlap")
        if sum(member.file_size for member in self._members) > max(_FREE, _RATIO * self._source.size):
            raise BadFileFormatError("The archive unfolds to more than it may")


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


@contextmanager
def _damage_told(details: str) -> Iterator[None]:
    """Turn what `zipfile` raises, whose messages quote names, into our error."""
    try:
        yield
    except _DAMAGE:
        raise BadFileFormatError(details) from None


class _SourceFile(io.RawIOBase):
    """A source as `zipfile` reads it; the directory, which it reads as a whole, is bounded."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}
        at = origins[whence] + offset
        if at < 0:
            message = "Nothing lies before the beginning"
            raise io.UnsupportedOperation(message)  # an OSError, as `zipfile` expects, and a ValueError
        self._at = at
        return at

    def read(self, size: int = -1) -> bytes:
        stop = self._source.size if size < 0 else min(self._at + size, self._source.size)
        if stop - self._at > _LARGEST_DIRECTORY:
            message = "Nobody reads so much at once but an archive's directory"
            raise ValueError(message)
        found = self._source.read(self._at, stop)
        self._at += len(found)
        return found
