"""Metadata of resources: what the server keeps (read-only) and what clients add (spec 1.4)."""

from __future__ import annotations

import enum
import hashlib

from dicomorph.model.errors import (
    ConflictError,
    InexistentItemError,
    RevisionMismatchError,
    UnknownResourceError,
)
from dicomorph.model.metadata_names import SYSTEM_METADATA
from dicomorph.model.resources import Json, Level, MetadataValue, Resource
from dicomorph.model.settings import Settings
from dicomorph.services.backend import Backend

_SYSTEM_NAMES = {number: name for name, number in SYSTEM_METADATA.items()}
_FIRST_USER_NUMBER, _LAST_USER_NUMBER = 1024, 65535
_ATTEMPTS = 10


class Written(enum.Enum):
    """What became of a change that a client asked for."""

    DONE = "done"
    FORBIDDEN = "forbidden"
    """The server's own metadata."""

    ABSENT = "absent"
    """There was nothing to delete."""


def list_metadata(backend: Backend, level: Level, resource_id: str, *, numeric: bool) -> dict[str, Json]:
    """Return all metadata of a resource, by their names or by their numbers.

    Raises
    ------
    UnknownResourceError
        If the resource does not exist.
    """
    resource = _existing(backend, level, resource_id)
    names = _shown_names(resource, backend.settings, numeric=numeric)
    return {names[stored]: entry.value for stored, entry in resource.metadata.items()}


def read_metadata(backend: Backend, level: Level, resource_id: str, name: str) -> MetadataValue | None:
    """Return one metadata, None if it is not set.

    Parameters
    ----------
    name : str
        Orthanc's name, an alias of the setting ``UserMetadata``, or a number.

    Raises
    ------
    InexistentItemError
        If no metadata has this name.
    UnknownResourceError
        If the resource does not exist.
    """
    stored = _stored_name(name, backend.settings)
    return _existing(backend, level, resource_id).metadata.get(stored)


def write_metadata(
    backend: Backend, level: Level, resource_id: str, name: str, value: str, *, etag: str | None
) -> tuple[Written, MetadataValue | None]:
    """Set one metadata of the user's range; return what became of it and the new value.

    Parameters
    ----------
    etag : str or None
        The ``If-Match`` of the client. With ``CheckRevisions`` it must name the current revision,
        unless the metadata is not set yet.

    Raises
    ------
    RevisionMismatchError
        If it does not, or somebody else wrote in between.
    InexistentItemError, UnknownResourceError
        As in `read_metadata`.
    """
    stored = _stored_name(name, backend.settings)
    if stored in SYSTEM_METADATA:
        return Written.FORBIDDEN, None
    for _ in range(_ATTEMPTS):
        current = _existing(backend, level, resource_id).metadata.get(stored)
        _check_revision(backend.settings, current, etag)
        expected = None if current is None else current.revision
        try:
            return Written.DONE, backend.index.annotations.set_metadata(
                level, resource_id, stored, value, expected=expected
            )
        except ConflictError:
            continue  # with revisions checked, the next look finds the mismatch
    raise RevisionMismatchError


def delete_metadata(
    backend: Backend, level: Level, resource_id: str, name: str, *, etag: str | None
) -> Written:
    """Delete one metadata of the user's range; parameters and errors as in `write_metadata`."""
    stored = _stored_name(name, backend.settings)
    if stored in SYSTEM_METADATA:
        return Written.FORBIDDEN
    for _ in range(_ATTEMPTS):
        current = _existing(backend, level, resource_id).metadata.get(stored)
        if current is None:
            return Written.ABSENT
        _check_revision(backend.settings, current, etag)
        try:
            backend.index.annotations.remove_metadata(level, resource_id, stored, expected=current.revision)
        except ConflictError:
            continue
        return Written.DONE
    raise RevisionMismatchError


def etag_of(entry: MetadataValue) -> str:
    """Return the ETag of a metadata: its revision and the MD5 of its value, without quotes."""
    digest = hashlib.md5(entry.value.encode("utf-8"), usedforsecurity=False).hexdigest()
    return f"{entry.revision}-{digest}"


def _check_revision(settings: Settings, current: MetadataValue | None, etag: str | None) -> None:
    if settings.check_revisions and current is not None and etag != etag_of(current):
        raise RevisionMismatchError


def _existing(backend: Backend, level: Level, resource_id: str) -> Resource:
    resource = backend.index.catalogue.get(level, resource_id)
    if resource is None:
        raise UnknownResourceError
    return resource


def _stored_name(name: str, settings: Settings) -> str:
    """Return the name in the index: Orthanc's for the server's metadata, the number for the user's."""
    if name in SYSTEM_METADATA:
        return name
    if name in settings.user_metadata:
        return str(settings.user_metadata[name])
    number = (
        int(name) if name.isascii() and name.isdigit() and len(name) <= len(str(_LAST_USER_NUMBER)) else 0
    )
    if number in _SYSTEM_NAMES:
        return _SYSTEM_NAMES[number]
    if _FIRST_USER_NUMBER <= number <= _LAST_USER_NUMBER:
        return str(number)
    raise InexistentItemError("No metadata has this name")


def _shown_names(resource: Resource, settings: Settings, *, numeric: bool) -> dict[str, str]:
    aliases = {str(number): alias for alias, number in settings.user_metadata.items()}
    if numeric:
        return {stored: str(SYSTEM_METADATA.get(stored, stored)) for stored in resource.metadata}
    return {stored: aliases.get(stored, stored) for stored in resource.metadata}
