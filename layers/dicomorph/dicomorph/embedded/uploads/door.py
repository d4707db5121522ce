"""The server itself takes uploads, at addresses that nobody can guess."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from dicomorph.model.object_keys import TOKEN_BYTES
from dicomorph.model.uploads import Announcement, Offer, OfferedPart, Upload

_TAKEN_FOR = timedelta(hours=1)


class ServerDoor:
    """The port `UploadDoor` of the embedded server, which takes a file as a whole, however large.

    It is taken in by the call that brings it, so nothing lies here meanwhile.
    """

    def offer(self, upload_id: str, announced: Announcement, *, now: datetime, address: str) -> Offer:
        """Return an address of the server, with a secret that the record of the upload knows."""
        return _offer(upload_id, announced.size, secrets.token_hex(TOKEN_BYTES), now, address)

    def renew(self, upload: Upload, *, now: datetime, address: str) -> Offer:
        """Return the same address."""
        return _offer(upload.id, upload.announced.size, upload.ticket, now, address)

    def complete(self, upload: Upload) -> None:
        """Do nothing: there are no parts."""

    def withdraw(self, upload: Upload) -> None:
        """Do nothing: there are no parts."""

    def holds(self, upload: Upload) -> bool:  # noqa: ARG002 - see the class
        """Return that nothing lies here."""
        return False


def _offer(upload_id: str, size: int, ticket: str, now: datetime, address: str) -> Offer:
    whole = OfferedPart(
        number=1,
        start=0,
        stop=size,
        url=f"{address}/uploads/{upload_id}/{ticket}",
        headers={"Content-Length": str(size)},
    )
    return Offer(in_parts=False, parts=(whole,), expires=now + _TAKEN_FOR, ticket=ticket)
