"""Moving files between the folders of a data folder; nothing is written over, nothing deleted."""

from __future__ import annotations

import os
from itertools import count
from typing import Final

from dicomorph.embedded.objects.folders import ORPHANS, move_into, prune

OBJECTS: Final = "objects"

DAMAGED: Final = f"{ORPHANS}/damaged"
"""Of files that are no DICOM, or not any more."""

DELETED: Final = f"{ORPHANS}/deleted"
"""Of files that were deleted, and waited for a job of which nothing is known any more."""


def set_aside(root: str, source: str, key: str, target: str) -> None:
    """Move a file to a folder where nobody looks for it, under its key or, if that is taken, a longer one."""
    places = (f"{root}/{target}/{key}{f'.{number}' if number else ''}" for number in count())
    free = next(place for place in places if not os.path.lexists(place))
    move_into(f"{root}/{source}/{key}", free)
    prune(f"{root}/{source}/{key}", f"{root}/{source}")


def adopt(root: str, source: str, key: str) -> bool:
    """Move a file to where those with entries lie; tell whether its place was free."""
    place = f"{root}/{OBJECTS}/{key}"
    if source == OBJECTS:
        return True
    if os.path.lexists(place):
        return False
    move_into(f"{root}/{source}/{key}", place)
    prune(f"{root}/{source}/{key}", f"{root}/{source}")
    return True
