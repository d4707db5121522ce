"""Offer a client an address to which it sends a file of any size."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from dicomorph.model.errors import StorageFullError
from dicomorph.model.object_keys import TOKEN_BYTES
from dicomorph.model.resources import Json
from dicomorph.model.settings import MEGABYTE
from dicomorph.model.uploads import Announcement, Offer, OfferedPart, Upload
from dicomorph.services.backend import Backend
from dicomorph.services.store.incoming import check_upload
from dicomorph.services.uploads.announcing import read_announcement
from dicomorph.services.uploads.view import orthanc_time

_REMEMBERED = timedelta(days=30)  # longer than a message of S3 waits in a dead-letter queue

_Object: TypeAlias = dict[str, Json]


def begin(backend: Backend, body: Mapping[str, Json], *, address: str) -> _Object:
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
    return _answer(upload_id, announced, offer)


def timestamp(moment: datetime) -> str:
    """Return a time in UTC as records hold it, which sorts as text."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def _answer(upload_id: str, announced: Announcement, offer: Offer) -> _Object:
    answer: _Object = {
        "Expires": orthanc_time(offer.expires),
        "ID": upload_id,
        "Method": "PUT",
        "Path": f"/uploads/{upload_id}",
        "Size": announced.size,
    }
    if len(offer.parts) > 1:
        parts: list[Json] = [
            {"From": part.start, "Number": number, "To": part.stop, **_address(part)}
            for number, part in enumerate(offer.parts, 1)
        ]
        return {**answer, "Complete": f"/uploads/{upload_id}/complete", "Parts": parts}
    return {**answer, **_address(offer.parts[0])}


def _address(part: OfferedPart) -> _Object:
    return {"Headers": dict(part.headers), "Url": part.url}
