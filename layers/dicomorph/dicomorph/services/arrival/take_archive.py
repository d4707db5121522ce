"""Working off an archive, member by member, in portions that an invocation has time for."""

from __future__ import annotations

import time
from contextlib import closing

from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import BadFileFormatError
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.archive import Archive, is_archive
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Continued, Produced, Progress, Rejected, Stored, Worked
from dicomorph.services.arrival.rejecting import FAULTS, reject
from dicomorph.services.arrival.take_file import take_file

_SECONDS = 60.0
_BYTES = 512 << 20


class Portion:
    """How much of an archive is worked off at once; at least one member is.

    Parameters
    ----------
    seconds : float
        From now on.
    size : int
        Bytes of members as they unfold.
    """

    def __init__(self, *, seconds: float = _SECONDS, size: int = _BYTES) -> None:
        self._end = time.monotonic() + seconds
        self._left = size

    def spend(self, size: int) -> None:
        """Note that so many bytes were worked off."""
        self._left -= size

    @property
    def is_spent(self) -> bool:
        """Whether the rest is left to the next call."""
        return self._left <= 0 or time.monotonic() >= self._end


def take_archive(
    door: Door, arrived: Arrived, source: Source, progress: Progress, portion: Portion
) -> Worked | Continued:
    """Work off members from where an earlier call ended; each of them stands for itself.

    Parameters
    ----------
    progress : Progress
        Where to begin.

    Raises
    ------
    DicomorphError
        One of `rejecting.FAULTS` if the archive as a whole is to be set aside; others as `take_file`.
    """
    archive = Archive(source)
    first = progress.cursor
    for number in range(first, len(archive)):
        if number > first and portion.is_spent:
            return Continued(progress)
        if archive.is_content(number):
            progress = progress.with_one(_take_member(door, arrived, archive, number))
            portion.spend(archive.size(number))
        progress = progress.beyond(number)
    return Worked(progress)


def _take_member(door: Door, arrived: Arrived, archive: Archive, number: int) -> Stored | Produced | Rejected:
    try:
        content = archive.member(number)
    except BadFileFormatError as error:
        return reject(door, archive.packed(number), arrived.version, error, member=number)
    with closing(content):
        try:
            if is_archive(content):
                raise BadFileFormatError("There is an archive in the archive")
            return take_file(door, arrived.name, content)
        except FAULTS as error:
            return reject(door, content, arrived.version, error, member=number)
