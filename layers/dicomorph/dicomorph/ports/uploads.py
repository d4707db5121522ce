"""The ports of uploads that go past the API: their records, and where the bytes are sent."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from dicomorph.model.uploads import Announcement, Offer, Outcome, Upload


class UploadRecords(Protocol):
    """The records of uploads. All methods raise `TransientError` when the store is away."""

    def create(self, upload: Upload) -> None:
        """Write a record under an id that nobody else has; writing the same one again is harmless.

        Records that are to be forgotten by the time that it was created may go.
        """

    def get(self, upload_id: str) -> Upload | None:
        """Return a record as last written, None if there is none. Never lags."""

    def settle(self, upload_id: str, outcome: Outcome) -> None:
        """Write what became of an upload, unless it is known to have come as far (`UploadState.rank`).

        Whatever the order in which outcomes are told, and however often, the highest one stays,
        and of equals the first. Unknown ids are ignored.
        """

    def prolong(self, upload_id: str, *, expires: str) -> None:
        """Write until when sending may begin, unless that is longer already. Unknown ids are ignored."""

    def delete(self, upload_id: str) -> None:
        """Forget an upload; unknown ids are ignored."""


class UploadDoor(Protocol):
    """Where clients send files. All methods raise `TransientError` when the service is away."""

    def offer(self, upload_id: str, announced: Announcement, *, now: datetime, address: str) -> Offer:
        """Open a place for a file.

        Parameters
        ----------
        address : str
            How the client calls this server: scheme, host and what comes before the path; empty
            if it does not tell.
        """

    def renew(self, upload: Upload, *, now: datetime, address: str) -> Offer:
        """Offer the same place for longer: of a file in parts, for those that have not been sent.

        Raises
        ------
        UnknownResourceError
            If the parts are gone: nobody completed them in time.
        """

    def complete(self, upload: Upload) -> None:
        """Make a file of the parts that were sent; harmless where there is nothing to be done, or no more.

        Raises
        ------
        BadRequestError
            If a part is missing.
        UnknownResourceError
            If the parts are gone: the upload was given up.
        """

    def withdraw(self, upload: Upload) -> None:
        """Delete the parts that were sent; harmless where there are none."""

    def holds(self, upload: Upload) -> bool:
        """Tell whether the file is there and has yet to be taken in."""
