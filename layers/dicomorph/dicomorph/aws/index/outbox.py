"""What is to be erased: S3 is told at once, so nothing waits."""

from __future__ import annotations

from collections.abc import Sequence

from dicomorph.model.resources import ObjectRef


class NoOutbox:
    """The port `Outbox` where objects are not named before they are deleted.

    The object of an `add` that failed is never known to be unclaimed: the transaction may have
    been made although its answer was lost.
    """

    remembers = False

    def name(self, refs: Sequence[ObjectRef]) -> None:
        """Do nothing."""

    def waiting(self, *, after: str = "", limit: int) -> list[ObjectRef]:  # noqa: ARG002 - see the class
        """Return nothing."""
        return []

    def drop(self, refs: Sequence[ObjectRef]) -> None:
        """Do nothing."""

    def unclaimed(self, refs: Sequence[ObjectRef]) -> list[ObjectRef]:  # noqa: ARG002 - see the class
        """Return nothing."""
        return []
