"""Objects as files of one folder, as far as they are read: what is there, and what was moved aside."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.folders import ABSENT, path_of
from dicomorph.embedded.objects.writing import crc32_of_range, read_range
from dicomorph.model.errors import CorruptedFileError
from dicomorph.model.resources import ObjectRef

_MAPPED_FROM = 1 << 20  # below, reading costs less than mapping


class StoredFiles:
    """The half of the port `ObjectStore` that writes nothing.

    Parameters
    ----------
    objects : str
        The folder of the objects.
    pinned : str
        That of objects which were deleted while a job lived that has pinned them.
    scratch : FileScratch
        Where what they unfold to is kept.
    """

    def __init__(self, objects: str, pinned: str, scratch: FileScratch) -> None:
        self._objects = objects
        self._pinned = pinned
        self.scratch = scratch

    def open(self, ref: ObjectRef) -> Source:
        """Open a stored object: in memory if it is small, mapped into it if not."""
        with translated():
            descriptor = self._descriptor(ref)
            if ref.size > _MAPPED_FROM:
                return MappedSource(descriptor, self.scratch)
            try:
                return BufferSource(read_range(descriptor, 0, ref.size), self.scratch)
            finally:
                os.close(descriptor)

    def checksum(self, ref: ObjectRef) -> int:
        """Return the CRC-32 of an object, which is read for it."""
        with translated():
            descriptor = self._descriptor(ref)
            try:
                return crc32_of_range(descriptor, 0, ref.size)
            finally:
                os.close(descriptor)

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, None if there are none."""
        path = path_of(self._objects, key)
        with translated():
            try:
                return Path(path).read_bytes()
            except ABSENT:
                return None

    def are_stored(self, refs: Sequence[ObjectRef]) -> bool:
        """Tell whether there is a file of the right size under each key."""
        return all(map(self._is_stored, refs))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that start with a prefix, in ascending order."""
        folder, _, name = prefix.rpartition("/")
        if folder:
            path_of(self._objects, folder)
            folder += "/"
        return self._keys(folder, name)

    def link(self, ref: ObjectRef, *, file_name: str) -> str:  # noqa: ARG002 - a file has its own name
        """Return a ``file://`` URL of a file that is there."""
        path = path_of(self._objects, ref.key)
        with translated():
            _check_size(os.lstat(path), ref)
        return Path(path).as_uri()

    def _keys(self, folder: str, name: str) -> Iterator[str]:
        # A folder sorts as its keys do: by its name and a slash.
        with translated():
            try:
                with os.scandir(os.path.join(self._objects, folder)) as entries:  # noqa: PTH118
                    found = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)
            except ABSENT:
                return
        for entry in found:
            if not entry.startswith(name):
                continue
            if entry.endswith("/"):
                yield from self._keys(folder + entry, "")
            else:
                yield folder + entry

    def _is_stored(self, ref: ObjectRef) -> bool:
        with suppress(*ABSENT):
            return os.lstat(path_of(self._objects, ref.key)).st_size == ref.size
        return False

    def _descriptor(self, ref: ObjectRef) -> int:
        """Open a file, which has the size that it had when it was stored."""
        descriptor = self._opened(ref.key)
        try:
            _check_size(os.fstat(descriptor), ref)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _opened(self, key: str) -> int:
        # In this order: as long as jobs run, an object is moved aside, never back.
        for folder in (self._objects, self._pinned):
            with suppress(*ABSENT):
                return os.open(path_of(folder, key), os.O_RDONLY | os.O_CLOEXEC)
        raise FileNotFoundError(errno.ENOENT, "No such object")


def _check_size(found: os.stat_result, ref: ObjectRef) -> None:
    if found.st_size != ref.size:
        raise CorruptedFileError("A stored file has another size than when it was stored")
