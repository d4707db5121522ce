"""What is offered, as clients see it; and the same place offered for longer."""

from __future__ import annotations

from datetime import datetime

from dicomorph.model.errors import BadRequestError
from dicomorph.model.metadata_names import metadata_time
from dicomorph.model.resources import Json
from dicomorph.model.uploads import Offer, OfferedPart
from dicomorph.services.backend import Backend
from dicomorph.services.uploads.view import known_upload


def renew(backend: Backend, upload_id: str, *, address: str) -> dict[str, Json]:
    """Offer the place of an upload for longer; of a file in parts, only those that have not been sent.

    Parameters
    ----------
    address : str
        How the client calls this server, as in `UploadDoor.offer`.

    Raises
    ------
    UnknownResourceError
        If there is no such upload, or its parts are gone.
    BadRequestError
        If its file has come in.
    """
    upload = known_upload(backend, upload_id)
    if upload.outcome is not None or backend.uploads.door.holds(upload):
        raise BadRequestError("The file of the upload has come in")
    offer = backend.uploads.door.renew(upload, now=backend.now(), address=address)
    backend.uploads.records.prolong(upload_id, expires=timestamp(offer.expires))
    return offered_json(upload_id, upload.announced.size, offer)


def offered_json(upload_id: str, size: int, offer: Offer) -> dict[str, Json]:
    """Return where, how and until when a file is to be sent."""
    shown: dict[str, Json] = {
        "Expires": metadata_time(offer.expires),
        "ID": upload_id,
        "Method": "PUT",
        "Path": f"/uploads/{upload_id}",
        "Size": size,
    }
    if not offer.in_parts:
        return {**shown, **_address(offer.parts[0])}
    parts: list[Json] = [
        {"From": part.start, "Number": part.number, "To": part.stop, **_address(part)} for part in offer.parts
    ]
    return {**shown, "Complete": f"/uploads/{upload_id}/complete", "Parts": parts}


def timestamp(moment: datetime) -> str:
    """Return a time in UTC as records hold it, which sorts as text."""
    return moment.isoformat(timespec="microseconds")


def _address(part: OfferedPart) -> dict[str, Json]:
    return {"Headers": dict(part.headers), "Url": part.url}
