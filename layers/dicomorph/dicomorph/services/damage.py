"""Telling a stored file that is damaged, or has gone, from one that is as it was stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dicomorph.dicom.stream.checksum import crc32_of
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import CorruptedFileError, MissingFileError, UnknownResourceError
from dicomorph.model.resources import Level, ObjectRef
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.backend import Backend


def check_object(objects: ObjectStore, ref: ObjectRef) -> None:
    """Read a stored object as a whole and compare it with its size and its checksum.

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
    source = objects.open(ref)
    try:
        is_whole = source.size == ref.size and ref.crc32 in (None, crc32_of(source))
    finally:
        source.close()
    if not is_whole:
        raise CorruptedFileError("The stored file is not what was stored")


@contextmanager
def opened(backend: Backend, instance_id: str, ref: ObjectRef) -> Iterator[Source]:
    """Open the file of an instance.

    Raises
    ------
    CorruptedFileError
        If its size is another one.
    MissingFileError
        If it is gone, and the instance is not.
    UnknownResourceError
        If both are gone: the instance was deleted in this moment.
    """
    try:
        source = backend.objects.open(ref)
    except UnknownResourceError:
        held = backend.index.catalogue.get(Level.INSTANCE, instance_id)
        if held is None or held.object is None or held.object.key != ref.key:
            raise
        raise MissingFileError("The file of the instance is missing") from None
    try:
        yield source
    finally:
        source.close()
