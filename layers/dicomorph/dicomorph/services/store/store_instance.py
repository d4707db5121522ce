"""Store an uploaded DICOM file: the object first, the index second, so a crash leaves no dangling entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import TransientError
from dicomorph.model.object_keys import TOKEN_BYTES, upload_key
from dicomorph.model.resources import Ancestry, InstanceEntry, Json, Level, ObjectRef, Resource
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import StoreOutcome, StoreStatus
from dicomorph.services.backend import Backend
from dicomorph.services.entries import annotated_as, given_metadata, instance_entry
from dicomorph.services.erasure.discarding import discard_removed, take_back
from dicomorph.services.late_writes import has_lost
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.store.held_files import Held, held_file
from dicomorph.services.store.ingested_file import IngestedFile
from dicomorph.services.store.uploaded_file import UploadedFile

_ATTEMPTS = 5  # at what others replace or delete while it is mended


def store_instance(backend: Backend, file: bytes | Path, *, remote_ip: str) -> dict[str, Json]:
    """Store a DICOM file that a client sent; return Orthanc's answer to an upload (spec 2.2).

    It is stored in the transfer syntax of the setting ``IngestTranscoding``, where there is one and its
    pixel data allow it.

    A stored file that is missing or damaged gives way to the upload, whatever the setting
    ``OverwriteInstances`` says; what clients have said of the instance stays.

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
    upload = UploadedFile(file, backend.objects.scratch)
    with upload.opened() as source:
        description = describe(
            source, default_encoding=default_encoding(backend), whole=True, in_turn=backend.in_turn
        )
        return store_upload(
            backend,
            IngestedFile(backend, upload, source, description),
            metadata=given_metadata(backend.now(), remote_ip=remote_ip),
        )


def store_upload(
    backend: Backend, upload: IngestedFile, *, metadata: Mapping[str, str], must_last: bool = False
) -> dict[str, Json]:
    """Store a file that was read already; return Orthanc's answer to an upload (spec 2.2).

    Parameters
    ----------
    metadata : Mapping[str, str]
        Of the instance, beside what derives from the file.
    must_last : bool
        Whether the object is to survive a power cut, whatever the settings say: its source will go.
    """
    storing = _Storing(backend, upload, metadata, must_last=must_last)
    for _ in range(_ATTEMPTS):
        status = storing.attempt()
        if status is not StoreStatus.FAILURE:
            return _answer(storing.ancestry, status)
    raise TransientError("The instance is replaced again and again while it is stored")


class _Storing:
    """Storing one upload."""

    def __init__(
        self, backend: Backend, upload: IngestedFile, metadata: Mapping[str, str], *, must_last: bool
    ) -> None:
        self.ancestry = upload.ancestry
        self._backend = backend
        self._upload = upload
        self._metadata = metadata
        self._must_last = must_last or backend.settings.sync_storage_area

    def attempt(self) -> StoreStatus:
        """Store the upload, unless what is stored stays; a failure if that changes right now."""
        stored = self._stored()
        if stored is None or stored.object is None:
            return self._add(self._backend.settings.overwrite_instances, is_replacement=False)
        held = held_file(self._backend, stored, self._upload)
        if held is Held.KEPT:
            return StoreStatus.ALREADY_STORED
        if held is Held.LOST:
            return self._put_back(stored.object)
        if held is Held.DAMAGED:
            return self._add(OverwriteInstances.ALWAYS, is_replacement=True, damaged=stored)
        return self._add(self._backend.settings.overwrite_instances, is_replacement=True)

    def _stored(self) -> Resource | None:
        return self._backend.index.catalogue.get(Level.INSTANCE, self.ancestry.instance)

    def _put_back(self, ref: ObjectRef) -> StoreStatus:
        """Write the same bytes as before where they were: for jobs that have pinned them, too."""
        self._upload.put(ref.key)
        self._backend.objects.sync([ref])
        stored = self._stored()
        if stored is not None and stored.object == ref:
            return StoreStatus.SUCCESS
        take_back(self._backend, ref)  # deleted in this moment
        return StoreStatus.FAILURE

    def _add(
        self, overwrite: OverwriteInstances, *, is_replacement: bool, damaged: Resource | None = None
    ) -> StoreStatus:
        backend, began = self._backend, self._backend.now()
        ref = self._upload.put(upload_key(self.ancestry, backend.new_token(TOKEN_BYTES)))
        try:
            if self._must_last or is_replacement:  # what it replaces is deleted below
                backend.objects.sync([ref])
            if has_lost(backend, [ref], since=began):
                return StoreStatus.FAILURE
            [outcome] = backend.index.ingest.add([self._entry(ref, damaged)], overwrite=overwrite)
        except Exception:
            take_back(backend, ref)
            raise
        _discard_superseded(backend, outcome)
        return outcome.status

    def _entry(self, ref: ObjectRef, damaged: Resource | None) -> InstanceEntry:
        compares = self._backend.settings.overwrite_instances.compares
        entry = instance_entry(
            self._upload.description,
            self.ancestry,
            ref,
            md5=self._upload.md5 if compares else "",
            metadata=self._metadata,
        )
        if damaged is not None:
            entry = replace(annotated_as(entry, damaged), replaces=damaged.object)
        return entry


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
