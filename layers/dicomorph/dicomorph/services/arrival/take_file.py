"""Storing one file that arrived, or what its rule makes of it."""

from __future__ import annotations

from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.views.description import Description, describe
from dicomorph.model.errors import CannotStoreInstanceError, TransientError
from dicomorph.model.object_keys import exported_key
from dicomorph.model.resources import Json, Level
from dicomorph.ports.index import StoreStatus
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Produced, Stored
from dicomorph.services.arrival.rules import UPLOADS, ArrivalRule
from dicomorph.services.backend import Backend
from dicomorph.services.entries import given_metadata
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.store.ingested_file import IngestedFile
from dicomorph.services.store.store_instance import store_upload
from dicomorph.services.store.uploaded_file import OpenFile
from dicomorph.services.transcoding import Transcoding, ingest_transcoding


def take_file(door: Door, name: str, source: Source) -> Stored | Produced:
    """Store a file, or what becomes of it; it may go once `make_safe` was called.

    Parameters
    ----------
    name : str
        `Arrived.name`, also for a member of an archive.

    Raises
    ------
    DicomorphError
        One of `rejecting.FAULTS` if the file is to be set aside; another if the deployment is to blame.
    """
    rule = door.rules.of(name)
    editor = None if rule is None else door.editor(rule)
    if rule is None or editor is None:
        return Stored(_store(door.backend, source, None, may_differ=name.startswith(UPLOADS)))
    product = editor.product(source)
    if rule.target:
        _export(door.backend, rule, product, editor.number(source))
        return Produced()
    return Produced(str(_store(door.backend, product, rule.transcoding, may_differ=False)["ID"]))


def make_safe(backend: Backend) -> None:
    """Make what was stored survive a power cut: from here on, sources may go."""
    backend.index.ingest.sync()


def _describe(backend: Backend, source: Source) -> Description:
    return describe(source, default_encoding=default_encoding(backend), whole=True, in_turn=backend.in_turn)


def _export(backend: Backend, rule: ArrivalRule, product: Source, number: str) -> None:
    """Write a product to a target, which nobody here may read: nothing else has its key."""
    target = backend.targets[rule.target]
    file = IngestedFile(backend, OpenFile(product), product, _describe(backend, product), rule.transcoding)
    ref = file.put(target.store, exported_key(target.prefix, file.ancestry, file=number))
    target.store.sync([ref])


def _store(
    backend: Backend, source: Source, transcoding: Transcoding | None, *, may_differ: bool
) -> dict[str, Json]:
    """Store a file.

    Parameters
    ----------
    transcoding : Transcoding, optional
        What it is converted into; None: as whatever is stored (setting ``IngestTranscoding``).
    may_differ : bool
        Whether it is enough that its instance is stored, be it of another file: whoever hears of it
        still has his own.
    """
    transcoding = transcoding or ingest_transcoding(backend.settings)
    upload = IngestedFile(backend, OpenFile(source), source, _describe(backend, source), transcoding)
    metadata = given_metadata(backend.now(), origin="Unknown")
    answer = store_upload(backend, upload, metadata=metadata, must_last=True)
    if answer["Status"] == StoreStatus.ALREADY_STORED.value:
        _check_held(backend, str(answer["ID"]), upload, may_differ=may_differ)
    return answer


def _check_held(backend: Backend, instance_id: str, upload: IngestedFile, *, may_differ: bool) -> None:
    """See that what is stored of an instance is the same file, and is safe.

    Raises
    ------
    CannotStoreInstanceError
        If it is another one, which stays.
    """
    held = backend.index.catalogue.get(Level.INSTANCE, instance_id)
    if held is None or held.object is None:
        raise TransientError("The instance was deleted while it arrived once more")
    backend.objects.sync([held.object])
    if may_differ or upload.is_held_as(held.object):
        return
    raise CannotStoreInstanceError(
        "Another file is stored under the identifiers of this one, and OverwriteInstances keeps it"
    )
