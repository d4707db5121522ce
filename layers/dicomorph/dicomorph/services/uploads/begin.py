"""Offer a client an address to which it sends a file of any size."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from dicomorph.model.errors import StorageFullError
from dicomorph.model.object_keys import TOKEN_BYTES
from dicomorph.model.resources import Json
from dicomorph.model.settings import MEGABYTE
from dicomorph.model.uploads import Upload
from dicomorph.services.backend import Backend
from dicomorph.services.store.incoming import check_upload
from dicomorph.services.uploads.announcing import read_announcement
from dicomorph.services.uploads.offering import offered_json, timestamp

_REMEMBERED = timedelta(days=30)  # longer than a message of S3 waits in a dead-letter queue


def begin(backend: Backend, body: Mapping[str, Json], *, address: str) -> dict[str, Json]:
    """Offer a place for one file; return where, how and until when it is to be sent.

    Parameters
    ----------
    body : Mapping[str, Json]
        As `read_announcement` reads it.
    address : str
        How the client calls this server, as in `UploadDoor.offer`.

    Raises
    ------
    BadRequestError
        As `read_announcement` does.
    TooLargeBodyError
        If the setting ``MaximumBodySize`` forbids it.
    StorageFullError
        If there is no room for it, or the setting ``MaximumStorageSize`` leaves none even to itself.
    """
    announced = read_announcement(body)
    check_upload(backend, announced.size)
    quota = backend.settings.maximum_storage_size * MEGABYTE
    if quota and announced.size > quota:
        raise StorageFullError("The file is larger than MaximumStorageSize")
    upload_id, now = backend.new_token(TOKEN_BYTES).hex(), backend.now()
    offer = backend.uploads.door.offer(upload_id, announced, now=now, address=address)
    backend.uploads.records.create(
        Upload(
            id=upload_id,
            announced=announced,
            created=timestamp(now),
            expires=timestamp(offer.expires),
            forgotten=timestamp(now + _REMEMBERED),
            ticket=offer.ticket,
        )
    )
    return offered_json(upload_id, announced.size, offer)
