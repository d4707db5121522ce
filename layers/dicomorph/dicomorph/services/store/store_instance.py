"""Store an uploaded DICOM file: the object first, the index second, so a crash leaves no dangling entry."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import BadFileFormatError, UnknownResourceError
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.object_keys import TOKEN_BYTES, upload_key
from dicomorph.model.resources import Ancestry, Json, Level, ObjectRef, Resource
from dicomorph.ports.index import StoreOutcome, StoreStatus
from dicomorph.services.backend import Backend
from dicomorph.services.entries import given_metadata, instance_entry
from dicomorph.services.erasure.discarding import discard_removed, take_back
from dicomorph.services.server.default_encoding import default_encoding

_READ_AT_ONCE = 1 << 20


def store_instance(backend: Backend, file: bytes | Path, *, remote_ip: str) -> dict[str, Json]:
    """Store a DICOM file that a client sent; return Orthanc's answer to an upload (spec 2.2).

    Parameters
    ----------
    file : bytes or Path
        The upload, or the file that it was spooled to.
    remote_ip : str
        Where it came from; kept as metadata ``RemoteIP``.

    Raises
    ------
    BadFileFormatError
        If it is empty, no DICOM, damaged anywhere, or one of its UIDs is empty.
    InexistentTagError
        If it lacks a UID.
    """
    with _opened(backend, file) as source:
        description = describe(
            source, default_encoding=default_encoding(backend), whole=True, in_turn=backend.in_turn
        )
    ancestry = ancestry_of(description.identifiers)
    md5 = _md5(file)
    stored = backend.index.catalogue.get(Level.INSTANCE, ancestry.instance)
    if stored is not None and _is_kept(backend, stored, md5):
        return _answer(ancestry, StoreStatus.ALREADY_STORED)
    ref = _put(backend, upload_key(ancestry, backend.new_token(TOKEN_BYTES)), file)
    try:
        if backend.settings.sync_storage_area or stored is not None:  # what it replaces is deleted below
            backend.objects.sync([ref])
        metadata = given_metadata(backend.now(), remote_ip=remote_ip)
        entry = instance_entry(description, ancestry, ref, md5=md5, metadata=metadata)
        [outcome] = backend.index.ingest.add([entry], overwrite=backend.settings.overwrite_instances)
    except Exception:
        take_back(backend, ref)
        raise
    _discard_superseded(backend, outcome)
    return _answer(ancestry, outcome.status)


def _is_kept(backend: Backend, stored: Resource, md5: str) -> bool:
    """Tell before anything is written that the stored version stays; `Ingest.add` has the last word."""
    overwrite = backend.settings.overwrite_instances
    held = (stored.md5 or _md5_of(backend, stored)) if overwrite.compares else ""
    return overwrite.keeps(held, md5)


def _discard_superseded(backend: Backend, outcome: StoreOutcome) -> None:
    if outcome.superseded is not None:
        discard_removed(backend, [outcome.superseded])


def _answer(ancestry: Ancestry, status: StoreStatus) -> dict[str, Json]:
    return {
        "ID": ancestry.instance,
        "ParentPatient": ancestry.patient,
        "ParentSeries": ancestry.series,
        "ParentStudy": ancestry.study,
        "Path": f"/instances/{ancestry.instance}",
        "Status": status.value,
    }


@contextmanager
def _opened(backend: Backend, file: bytes | Path) -> Iterator[Source]:
    scratch = backend.objects.scratch
    if isinstance(file, bytes):
        yield BufferSource(file, scratch)
        return
    if not file.stat().st_size:  # nothing cannot be mapped
        raise BadFileFormatError("The uploaded file is empty")
    source = MappedSource(os.open(file, os.O_RDONLY | os.O_CLOEXEC), scratch)
    try:
        yield source
    finally:
        source.close()


def _md5(file: bytes | Path) -> str:
    if isinstance(file, bytes):
        return hashlib.md5(file, usedforsecurity=False).hexdigest()
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5_of(backend: Backend, stored: Resource) -> str:
    """Return the MD5 of a product, which jobs leave out (`product.ProductMaker`); empty if it is lost."""
    if stored.object is None:
        return ""
    try:
        source = backend.objects.open(stored.object)
    except UnknownResourceError:
        return ""
    try:
        digest = hashlib.md5(usedforsecurity=False)
        for start in range(0, source.size, _READ_AT_ONCE):
            digest.update(source.read(start, min(start + _READ_AT_ONCE, source.size)))
        return digest.hexdigest()
    finally:
        source.close()


def _put(backend: Backend, key: str, file: bytes | Path) -> ObjectRef:
    if isinstance(file, bytes):
        return backend.objects.put(key, file)
    return backend.objects.put_file(key, str(file))
