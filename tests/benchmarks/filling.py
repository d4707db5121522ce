"""Filling a data folder with many small instances, as fast as the stores allow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.embedded.backend import embedded_backend
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.object_keys import upload_key
from dicomorph.model.resources import InstanceEntry
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services.backend import Backend
from dicomorph.services.entries import instance_entry
from tests.support.api_client import make_dicom
from tests.support.idle_runner import IdleRunner

_FIRST = 1_000_000  # so that all numbers have as many digits
_AT_ONCE = 1000
_SERIES = 2


def fill(data: Path, instances: int) -> str:
    """Store instances of one patient, one study and two series; return the id of the patient."""
    data.mkdir(parents=True, exist_ok=True)
    settings = Settings(sync_storage_area=False)
    backend = embedded_backend(data, settings, epoch=None, runner=IdleRunner())
    patient = ""
    for start in range(0, instances, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, instances))
        entries = [_store(backend, file) for file in small_files(numbers)]
        backend.index.ingest.add(entries, overwrite=OverwriteInstances.NEVER)
        patient = entries[0].ancestry.patient
    return patient


def small_files(numbers: range) -> Iterator[bytes]:
    """Yield files of half a kilobyte; building each with pydicom would take longer than storing it."""
    templates = [make_dicom("PAT", 1, series + 1, _FIRST) for series in range(_SERIES)]
    for number in numbers:
        template = templates[number % _SERIES]
        yield template.replace(str(_FIRST).encode(), str(_FIRST + number).encode())


def _store(backend: Backend, file: bytes) -> InstanceEntry:
    description = describe(BufferSource(file), default_encoding="Latin1")
    ancestry = ancestry_of(description.identifiers)
    ref = backend.objects.put(upload_key(ancestry, b"fill"), file)
    md5 = hashlib.md5(file, usedforsecurity=False).hexdigest()
    return instance_entry(description, ancestry, ref, md5=md5, metadata={})
