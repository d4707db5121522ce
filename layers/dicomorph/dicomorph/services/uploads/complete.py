"""Bring an upload to its end: by putting its parts together, or by giving it up."""

from __future__ import annotations

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.uploads.view import known_upload, view


def complete(backend: Backend, upload_id: str) -> dict[str, Json]:
    """Make a file of the parts that were sent; return how far the upload has come, as `view` does.

    Of a file that went as a whole, or was completed before, nothing is left to be done.

    Raises
    ------
    BadRequestError
        If a part is missing.
    UnknownResourceError
        If there is no such upload, or its parts are gone.
    """
    upload = known_upload(backend, upload_id)
    if upload.outcome is None:
        try:
            backend.uploads.door.complete(upload)
        except UnknownResourceError:
            if known_upload(backend, upload_id).outcome is None:  # it was not taken in meanwhile
                raise
    return view(backend, upload_id)


def give_up(backend: Backend, upload_id: str) -> None:
    """Forget an upload, with the parts that were sent.

    Raises
    ------
    UnknownResourceError
        If there is no such upload.
    """
    upload = known_upload(backend, upload_id)
    if upload.outcome is None:
        backend.uploads.door.withdraw(upload)
    backend.uploads.records.delete(upload_id)
