"""The port of a store that keeps versions, for whoever deletes one of them for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """The newest version of an object.

    Parameters
    ----------
    key : str
        Of the object.
    version : str
        The store's name for these bytes, which no other ones get.
    modified : datetime
        When it was written, by the clock of the store.
    """

    key: str
    version: str
    modified: datetime


class VersionedObjects(Protocol):
    """The versions of objects. All methods raise `TransientError` when the store is throttled or away."""

    def newest(self, prefix: str) -> Iterator[StoredVersion]:
        """Yield the newest version of each object below a prefix, by key; not of what was deleted."""

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield what keys below a prefix begin with, up to the next slash and with it."""

    def erase(self, versions: Sequence[StoredVersion]) -> None:
        """Delete exactly these versions, for good; unknown ones are ignored.

        A version that was written to the same key since stays, and stays the newest.
        """
