"""Telling a stored file that is damaged, or has gone, from one that is as it was stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dicomorph.dicom.stream.checksum import crc32_of
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import (
    BadFileFormatError,
    CorruptedFileError,
    InexistentTagError,
    MissingFileError,
    TranscodingError,
    UnknownResourceError,
)
from dicomorph.model.resources import Level, ObjectRef
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.backend import Backend

_READ = 8 << 20  # bytes of a file that is read for its checksum; of a larger one, S3 is asked for it


def check_object(objects: ObjectStore, ref: ObjectRef) -> None:
    """Compare a stored object as a whole with its size and its checksum.

    Of an object without a checksum, which an earlier version has stored, the size counts.

    Raises
    ------
    CorruptedFileError
        If it is not what was stored.
    UnknownResourceError
        If it is not there.
    TransientError
        If the store is away: that says nothing about the object.
    """
    if ref.crc32 is None:
        objects.open(ref).close()
    else:
        _compare(objects.checksum(ref), ref)


def check_source(objects: ObjectStore, ref: ObjectRef, source: Source) -> None:
    """Compare an object that is open; errors as in `check_object`."""
    if ref.crc32 is not None:
        _compare(crc32_of(source) if ref.size <= _READ else objects.checksum(ref), ref)


@contextmanager
def opened(backend: Backend, instance_id: str, ref: ObjectRef) -> Iterator[Source]:
    """Open the file of an instance.

    Raises
    ------
    CorruptedFileError
        If it has another size than when it was stored, or other bytes, and these cannot be read or
        converted.
    MissingFileError
        If it is gone, and the instance is not.
    UnknownResourceError
        If both are gone: the instance was deleted in this moment.
    """
    with missing_files_told(backend, instance_id, ref):
        source = backend.objects.open(ref)
    try:
        yield source
    except (BadFileFormatError, InexistentTagError, TranscodingError):
        check_source(backend.objects, ref, source)
        raise
    finally:
        source.close()


@contextmanager
def missing_files_told(backend: Backend, instance_id: str, ref: ObjectRef) -> Iterator[None]:
    """Let the file of an instance be missing, where it is not the instance that is."""
    try:
        yield
    except UnknownResourceError:
        held = backend.index.catalogue.get(Level.INSTANCE, instance_id)
        if held is None or held.object is None or held.object.key != ref.key:
            raise
        raise MissingFileError("The file of the instance is missing") from None


def _compare(found: int, ref: ObjectRef) -> None:
    if ref.crc32 not in (None, found):
        raise CorruptedFileError("The stored file is not what was stored")
