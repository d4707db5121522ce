"""A file that is to be stored: sent by a client, in memory or spooled to the disk, or open already."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol

from dicomorph.dicom.stream.checksum import crc32_of
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.source import BufferSource, Scratch, Source
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.objects import ObjectStore


class Upload(Protocol):
    """A file that is to be stored, wherever it is now."""

    def put(self, store: ObjectStore, key: str) -> ObjectRef:
        """Store it under a key."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    @property
    def crc32(self) -> int:
        """The CRC-32 of all bytes."""

    @property
    def md5(self) -> str:
        """The MD5 of all bytes, in hex."""


class UploadedFile:
    """An upload; what it takes a whole pass over it to know is found out when it is asked for.

    Parameters
    ----------
    content : bytes or Path
        The upload, or the file that it was spooled to.
    scratch : Scratch
        Where what it unfolds to is kept.
    """

    def __init__(self, content: bytes | Path, scratch: Scratch) -> None:
        self._content = content
        self._scratch = scratch

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """Open it for reading.

        Raises
        ------
        BadFileFormatError
            If it is empty.
        """
        if isinstance(self._content, bytes):
            yield BufferSource(self._content, self._scratch)
            return
        if not self.size:  # nothing cannot be mapped
            raise BadFileFormatError("The uploaded file is empty")
        source = MappedSource(os.open(self._content, os.O_RDONLY | os.O_CLOEXEC), self._scratch)
        try:
            yield source
        finally:
            source.close()

    def put(self, store: ObjectStore, key: str) -> ObjectRef:
        """Store it under a key."""
        if isinstance(self._content, bytes):
            return store.put(key, self._content)
        return store.put_file(key, str(self._content))

    @cached_property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._content) if isinstance(self._content, bytes) else self._content.stat().st_size

    @cached_property
    def crc32(self) -> int:
        """The CRC-32 of all bytes."""
        with self.opened() as source:
            return crc32_of(source)

    @cached_property
    def md5(self) -> str:
        """The MD5 of all bytes, in hex."""
        if isinstance(self._content, bytes):
            return hashlib.md5(self._content, usedforsecurity=False).hexdigest()
        with self._content.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class OpenFile:
    """A file that somebody else has opened, and will close; it is stored without being held in memory.

    Parameters
    ----------
    source : Source
        All of it.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def put(self, store: ObjectStore, key: str) -> ObjectRef:
        """Store it under a key."""
        return store.put_script(key, self._source, EditScript.of([(0, self._source.size)]))

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._source.size

    @cached_property
    def crc32(self) -> int:
        """The CRC-32 of all bytes."""
        return crc32_of(self._source)

    @cached_property
    def md5(self) -> str:
        """The MD5 of all bytes, in hex."""
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in EditScript.of([(0, self._source.size)]).chunks(self._source):
            digest.update(chunk)
        return digest.hexdigest()
