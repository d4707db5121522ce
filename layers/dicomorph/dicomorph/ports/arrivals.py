"""The port of what arrives: files that somebody put into a bucket or a folder, for us to take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from dicomorph.dicom.stream.source import Source


@dataclass(frozen=True, slots=True)
class Arrived:
    """One file that has arrived, or a version of it.

    Neither the name nor the place is ever shown, logged or made a part of another name: people
    call files by patients.

    Parameters
    ----------
    name : str
        By which rules are chosen: its parts are joined by ``/``, and it begins below the place of arrival.
    place : str
        Where it is, in the words of its adapter.
    version : str
        Tells it from all that came or will come to the same place, and is never given twice: the
        version of an object; device, inode and time of a file.
    """

    name: str = field(repr=False)
    place: str = field(repr=False)
    version: str


class Arrivals(Protocol):
    """Where files arrive. All methods raise `TransientError` when it is away."""

    def open(self, arrived: Arrived) -> Source:
        """Open a file at the very version that arrived.

        Raises
        ------
        UnknownResourceError
            If it is gone: somebody has taken it, or took it back.
        """

    def remove(self, arrived: Arrived) -> None:
        """Delete that version and no other, for good; one that is gone is ignored."""
