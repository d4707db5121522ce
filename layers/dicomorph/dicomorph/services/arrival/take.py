"""Taking in what has arrived: the one way of files that nobody sends by the REST API."""

from __future__ import annotations

from contextlib import closing

from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import TransientError, UnknownResourceError
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.archive import is_archive
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Continued, Gone, Progress, Taken
from dicomorph.services.arrival.rejecting import FAULTS, reject
from dicomorph.services.arrival.senders import tell_sender
from dicomorph.services.arrival.take_archive import Portion, take_archive
from dicomorph.services.arrival.take_file import make_safe, take_file


def take(
    door: Door, arrived: Arrived, *, progress: Progress | None = None, portion: Portion | None = None
) -> Taken:
    """Take a file, or a portion of an archive; what is cut short or repeated loses and doubles nothing.

    A file is stored as it is, or as its rule changes it. What cannot be read or changed is set aside
    with the reason. Only then, when all that becomes of it is safe, it is deleted where it arrived.

    Parameters
    ----------
    progress : Progress, optional
        What `Continued` has told of an archive; from its beginning by default.
    portion : Portion, optional
        How much of an archive is worked off before `Continued` is returned.

    Raises
    ------
    DicomorphError
        If the deployment is to blame, or busy. The file is where it was, and is to be taken again.
    """
    try:
        source = door.arrivals.open(arrived)
    except UnknownResourceError:
        return Gone()
    try:
        with closing(source):
            taken = _taken(door, arrived, source, progress or Progress(), portion or Portion())
    except UnknownResourceError as error:  # whether it is this file, the next attempt will see
        raise TransientError("A file went while it was taken") from error
    if not isinstance(taken, Continued):
        make_safe(door.backend)
        tell_sender(door.backend, arrived, taken)
        door.arrivals.remove(arrived)
    return taken


def _taken(door: Door, arrived: Arrived, source: Source, progress: Progress, portion: Portion) -> Taken:
    try:
        if is_archive(source):
            return take_archive(door, arrived, source, progress, portion)
        return take_file(door, arrived.name, source)
    except FAULTS as error:
        return reject(door, source, arrived.version, error)
