"""Notes of what has arrived and is not taken yet: whoever is told to go on is told a number, no name.

::

    arrivals/<token>/<nnnnnn>.json    a file that arrived, and how far an archive is worked off

The token follows from the version of the file, so that whatever is noted twice is noted once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from dicomorph.model.object_keys import ARRIVALS
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.arrivals import Arrived
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.arrival.outcomes import Progress

_TOKEN_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Note:
    """Where a note is.

    Parameters
    ----------
    token : str
        Of the file.
    cursor : int
        The member of an archive to go on with; 0 for the beginning, and for other files.
    """

    token: str
    cursor: int


def write_note(objects: ObjectStore, arrived: Arrived, progress: Progress) -> Note:
    """Note a file and how far it is worked off."""
    token = hashlib.sha256(f"note of {arrived.version}".encode()).hexdigest()[:_TOKEN_DIGITS]
    note = Note(token, progress.cursor)
    document = {
        "Name": arrived.name,
        "Place": arrived.place,
        "Version": arrived.version,
        "Progress": asdict(progress),
    }
    objects.put(_key(note), json.dumps(document).encode())
    return note


def read_note(objects: ObjectStore, note: Note) -> tuple[Arrived, Progress] | None:
    """Return what was noted; None if it is done, and the note is gone."""
    document = objects.get(_key(note))
    if document is None:
        return None
    found = json.loads(document)
    progress = found["Progress"]
    return (
        Arrived(found["Name"], found["Place"], found["Version"]),
        Progress(**{**progress, "answers": tuple(progress["answers"])}),
    )


def forget_notes(objects: ObjectStore, note: Note) -> None:
    """Delete all notes of a file."""
    keys = objects.keys(f"{ARRIVALS}{note.token}/")
    objects.discard((ObjectRef(key, "", 0) for key in keys), pinned=False)


def _key(note: Note) -> str:
    return f"{ARRIVALS}{note.token}/{note.cursor:06}.json"
