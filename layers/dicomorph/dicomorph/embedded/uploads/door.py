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
        ticket = secrets.token_hex(TOKEN_BYTES)
        whole = OfferedPart(
            start=0,
            stop=announced.size,
            url=f"{address}/uploads/{upload_id}/{ticket}",
            headers={"Content-Length": str(announced.size)},
        )
        return Offer(parts=(whole,), expires=now + _TAKEN_FOR, ticket=ticket)

    def complete(self, upload: Upload) -> None:
        """Do nothing: there are no parts."""

    def withdraw(self, upload: Upload) -> None:
        """Do nothing: there are no parts."""

    def holds(self, upload: Upload) -> bool:  # noqa: ARG002 - see the class
        """Return that nothing lies here."""
        return False
