"""What waits in a watched folder: all regular files, but those that bear a name for the time being."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Final

_UNFINISHED: Final = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", "~")
_ASIDE: Final = re.compile(r"\.taken-([0-9a-f]{1,16})-(.+)", re.DOTALL)
_LONGEST_NAME: Final = 255  # bytes
_ALL_BITS: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file that waits.

    Parameters
    ----------
    name : str
        Its path below the folder, as rules see it.
    place : str
        Its path below the folder as it is.
    version : str
        Tells it from all that was or will be there.
    size : int
        Bytes.
    """

    name: str = field(repr=False)
    place: str = field(repr=False)
    version: str
    size: int


@dataclass(slots=True)
class Listing:
    """What a look into a folder has found.

    Parameters
    ----------
    files : list[Sighting]
        Those that wait.
    folders : list[str]
        The paths below the folder of all folders in it, itself included as an empty one.
    unreadable : int
        Folders that could not be looked into.
    """

    files: list[Sighting] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unreadable: int = 0


def look(root: str) -> Listing:
    """List a folder and all folders below it; no link is followed.

    Raises
    ------
    OSError
        If the folder itself cannot be read.
    """
    listing = Listing()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            waiting += _look_into(root, folder, listing)
        except OSError:
            if not folder:
                raise
            listing.unreadable += 1
        else:
            listing.folders.append(folder)
    return listing


def _look_into(root: str, folder: str, listing: Listing) -> list[str]:
    """Add what is in one folder; return the folders in it."""
    folders = []
    with os.scandir(f"{root}/{folder}") as entries:
        for entry in entries:
            place = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    folders.append(place)
            elif entry.is_file(follow_symlinks=False) and not _is_temporary(entry.name):
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                listing.files.append(Sighting(_name(place), place, version_of(place, found), found.st_size))
    return folders


def version_of(place: str, found: os.stat_result) -> str:
    """Return what tells a file from all others that were or will be at its place.

    A file that was put aside has another time of change since; its name holds the one before.
    """
    aside = _ASIDE.fullmatch(_last(place))
    changed = aside[1] if aside else _changed(found)
    return f"{found.st_dev:x}.{found.st_ino:x}.{found.st_size:x}.{found.st_mtime_ns:x}.{changed}"


def name_aside(name: str, found: os.stat_result) -> str | None:
    """Return the name that a file gets to be deleted, by which it still waits, as what it is.

    None if its name is so long that there is no room for more.
    """
    if _ASIDE.fullmatch(name):
        return name
    aside = f".taken-{_changed(found)}-{name}"
    return aside if len(os.fsencode(aside)) <= _LONGEST_NAME else None


def _changed(found: os.stat_result) -> str:
    return f"{found.st_ctime_ns & _ALL_BITS:x}"  # a clock may have said that it is before 1970


def _name(place: str) -> str:
    last = _last(place)
    aside = _ASIDE.fullmatch(last)
    return place[: len(place) - len(last)] + aside[2] if aside else place


def _is_temporary(name: str) -> bool:
    if name.startswith("."):
        return _ASIDE.fullmatch(name) is None
    return name.lower().endswith(_UNFINISHED)


def _last(place: str) -> str:
    return place.rpartition("/")[2]
