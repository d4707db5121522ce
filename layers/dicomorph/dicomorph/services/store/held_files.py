"""What is stored already of an instance that is uploaded again, and whether it stays."""

from __future__ import annotations

import enum
import hashlib

from dicomorph.model.errors import CorruptedFileError, UnknownResourceError
from dicomorph.model.resources import ObjectRef, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.damage import check_object
from dicomorph.services.store.uploaded_file import Upload

_READ_AT_ONCE = 1 << 20


class Held(enum.Enum):
    """What becomes of a stored file when its instance is uploaded again."""

    KEPT = "kept"
    REPLACED = "replaced"
    DAMAGED = "damaged"
    """It is missing, or not what was stored, and gives way to the upload."""

    LOST = "lost"
    """The same, and the upload has what was stored, which can be written where it was."""


def held_file(backend: Backend, stored: Resource, upload: Upload) -> Held:
    """Tell before anything is written what becomes of a stored file; `Ingest.add` has the last word."""
    overwrite = backend.settings.overwrite_instances
    if overwrite.replaces and not overwrite.compares:
        return Held.REPLACED
    if stored.object is not None and _is_whole(backend, stored, stored.object):
        held = stored.md5
        if overwrite.compares and not held:
            held = _md5_of(backend, stored.object)
        return Held.KEPT if overwrite.keeps(held, upload.md5 if overwrite.compares else "") else Held.REPLACED
    is_same = _is_what_was_stored(stored, upload)
    if overwrite.compares and not is_same:
        return Held.REPLACED
    # Of versions, the entry names one that stays as it is.
    return Held.LOST if is_same and not backend.objects.keeps_versions else Held.DAMAGED


def _is_whole(backend: Backend, stored: Resource, ref: ObjectRef) -> bool:
    """Tell whether a file is what was stored, by its CRC-32, or the MD5 of earlier versions, if known."""
    try:
        check_object(backend.objects, ref)
        return ref.crc32 is not None or stored.md5 in ("", _md5_of(backend, ref))
    except (UnknownResourceError, CorruptedFileError):
        return False


def _is_what_was_stored(stored: Resource, upload: Upload) -> bool:
    ref = stored.object
    if ref is None or ref.size != upload.size:
        return False
    if stored.md5:
        return stored.md5 == upload.md5
    return ref.crc32 == upload.crc32


def _md5_of(backend: Backend, ref: ObjectRef) -> str:
    """Return the MD5 of a file that was stored without one; empty if it is lost."""
    try:
        source = backend.objects.open(ref)
    except (UnknownResourceError, CorruptedFileError):
        return ""
    try:
        digest = hashlib.md5(usedforsecurity=False)
        for start in range(0, source.size, _READ_AT_ONCE):
            digest.update(source.read(start, min(start + _READ_AT_ONCE, source.size)))
        return digest.hexdigest()
    finally:
        source.close()
