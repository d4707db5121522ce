"""The port of the access trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class AccessTrail(Protocol):
    """Where lines lie that say who did what. Nothing reads them here, changes or deletes them."""

    def write(self, lines: Sequence[str]) -> None:
        """Append lines in their order; when this returns, they are kept.

        A call that fails may have kept the first ones. Several threads and processes may write.

        Parameters
        ----------
        lines : Sequence[str]
            JSON objects in ASCII, without line breaks, of at most 200 KB each. None: whether any
            could be written is found out.

        Raises
        ------
        StorageFullError
            If there is no room for them.
        TransientError
            If the place is throttled or away.
        InternalError
            If it refuses them.
        """
