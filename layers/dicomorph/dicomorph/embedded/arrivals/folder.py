"""The port of what arrives, over a folder that others write to while we read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dicomorph.dicom.stream.source import Scratch, Source
from dicomorph.embedded.arrivals.leases import device_with_leases, is_open_for_writing
from dicomorph.embedded.arrivals.sightings import name_aside, version_of
from dicomorph.embedded.objects.errors import translated
from dicomorph.model.errors import InternalError, TransientError, UnknownResourceError
from dicomorph.ports.arrivals import Arrived

_PIECE = 1 << 20
# Whoever opens a pipe waits for its other end, and behind a link there is something else.
_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHER = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO))
_DENIED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


class FolderArrivals:
    """The port `Arrivals` over a folder; the place of a file is its path below it.

    A file is read once, to where nobody writes to it any more: what others do to it meanwhile can
    neither get into its product by halves nor take mapped pages away.

    Parameters
    ----------
    root : str
        The folder, resolved.
    scratch : Scratch
        Where files are kept while they are worked on.
    """

    def __init__(self, root: str, scratch: Scratch) -> None:
        self._root = root
        self._device = device_with_leases(root)
        self._scratch = scratch

    def open(self, arrived: Arrived) -> Source:
        """Read a file at the very version that arrived."""
        with _told(), self._opened(arrived.place) as descriptor:
            if not _is_at(descriptor, arrived):
                raise UnknownResourceError("Another file is in the place of the one that arrived")
            with translated():
                source = self._scratch.keep(_pieces(descriptor, os.fstat(descriptor).st_size))
            if not _is_at(descriptor, arrived):
                source.close()
                raise TransientError("A file was written to while it was read")
            return source

    def remove(self, arrived: Arrived) -> None:
        """Delete that version and no other.

        Between a look at a name and the deletion of what it names, another file may take it. So the file
        is moved aside first, and what was moved is looked at. If it is another one, it waits there.
        """
        with suppress(UnknownResourceError), _told(), self._folder(arrived.place) as (folder, name):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if version_of(name, found) != arrived.version:
                return
            aside = name_aside(name, found)
            if aside is None:
                os.unlink(name, dir_fd=folder)
                return
            os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
            moved = os.stat(aside, dir_fd=folder, follow_symlinks=False)
            if version_of(aside, moved) == arrived.version:
                os.unlink(aside, dir_fd=folder)

    def is_written(self, place: str) -> bool | None:
        """Tell whether somebody has a file open for writing; None if that cannot be known."""
        with _told(), self._opened(place) as descriptor:
            if os.fstat(descriptor).st_dev != self._device:
                return None
            return is_open_for_writing(descriptor)

    @contextmanager
    def _opened(self, place: str) -> Iterator[int]:
        with self._folder(place) as (folder, name):
            descriptor = os.open(name, os.O_RDONLY | _CAREFULLY, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnknownResourceError("What arrived is no file any more")
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _folder(self, place: str) -> Iterator[tuple[int, str]]:
        """Open the folder that a place is in, and return the last part of the place, too."""
        *parts, name = place.split("/")
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                above = folder
                folder = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _CAREFULLY, dir_fd=above)
                os.close(above)
            yield folder, name
        finally:
            os.close(folder)


def _is_at(descriptor: int, arrived: Arrived) -> bool:
    return version_of(arrived.place, os.fstat(descriptor)) == arrived.version


def _pieces(descriptor: int, size: int) -> Iterator[bytes]:
    """Yield no more than a file had, however fast somebody appends to it."""
    while size > 0 and (piece := os.read(descriptor, min(size, _PIECE))):
        size -= len(piece)
        yield piece


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the system says of a file that arrived into our errors, which do not name it."""
    try:
        yield
    except OSError as error:
        if error.errno in _OTHER:
            raise UnknownResourceError("What arrived is gone") from None
        name = errno.errorcode.get(error.errno or 0, "unknown error")
        if error.errno in _DENIED:
            raise InternalError(f"Files may not be read or deleted ({name})") from None
        raise TransientError(f"Files cannot be read or deleted ({name})") from None
