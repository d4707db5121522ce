"""Which instances get new identifiers together, small enough for a hundred thousand of them.

Of each instance there are twelve bytes: a keyed hash of its SOPInstanceUID, and the number of its
series. Without the key nobody can make one UID pass for another.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_KEY_BYTES = 64  # of BLAKE2b


class Place(NamedTuple):
    """Where an instance belongs: the UIDs of its study and its series, empty where unknown."""

    study: str
    series: str


class PackedInstances(NamedTuple):
    """Instances as bytes, in ascending order of the hashes of their SOPInstanceUIDs.

    Parameters
    ----------
    hashes : bytes
        Eight bytes each, in little endian.
    numbers : bytes
        Four bytes each: which of the places each instance has.
    """

    hashes: bytes
    numbers: bytes


class Packing:
    """Packs instances.

    Parameters
    ----------
    key : bytes
        Of the job.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key[:_KEY_BYTES]
        self._hashes = array("Q")
        self._numbers = array("L")

    def add(self, uid: str, number: int) -> None:
        """Add an instance by its SOPInstanceUID and the number of its place."""
        self._hashes.append(_hash(self._key, uid))
        self._numbers.append(number)

    def packed(self) -> PackedInstances:
        """Return what was added."""
        order = sorted(range(len(self._hashes)), key=self._hashes.__getitem__)
        count = len(order)
        return PackedInstances(
            struct.pack(f"<{count}Q", *map(self._hashes.__getitem__, order)),
            struct.pack(f"<{count}I", *map(self._numbers.__getitem__, order)),
        )


class MovedInstances:
    """The instances of a job by their original identifiers.

    Parameters
    ----------
    key : bytes
        With which they were packed.
    places : Sequence[Place]
        Of their series, each once.
    copies : Sequence[PackedInstances]
        The instances, those of which there is a second copy, and so on.
    """

    def __init__(self, key: bytes, places: Sequence[Place], copies: Sequence[PackedInstances]) -> None:
        self._key = key[:_KEY_BYTES]
        self._places = places
        self._copies = [_Hashes(packed) for packed in copies]
        self._series: dict[str, list[Place]] = {}
        for place in places:
            self._series.setdefault(place.series, []).append(place)
        self._studies = frozenset(place.study for place in places)

    def place_of(self, uid: str, stated: Place) -> Place | None:
        """Return where an instance of the job belongs, None if it is none.

        Parameters
        ----------
        stated : Place
            What is said of it: it decides where several instances have this SOPInstanceUID.
        """
        if not self._copies:
            return None
        numbers = self._copies[0].numbers(_hash(self._key, uid))
        return _nearest([self._places[number] for number in numbers], stated)

    def has_copy(self, uid: str, copy: int) -> bool:
        """Tell whether there are that many copies of an instance, counted from 0."""
        return copy < len(self._copies) and len(self._copies[copy].numbers(_hash(self._key, uid))) > 0

    def place_of_series(self, uid: str, stated_study: str) -> Place | None:
        """Return the study and series of which an instance belongs to the job."""
        return _nearest(self._series.get(uid, []), Place(stated_study, uid))

    def has_study(self, uid: str) -> bool:
        """Tell whether an instance of a study belongs to the job."""
        return uid in self._studies

    @property
    def series(self) -> Iterator[str]:
        """The UIDs of the series, each once."""
        return iter(self._series)


class _Hashes:
    def __init__(self, packed: PackedInstances) -> None:
        count = len(packed.hashes) // 8
        self._hashes = array("Q", struct.unpack(f"<{count}Q", packed.hashes))
        self._numbers = array("L", struct.unpack(f"<{count}I", packed.numbers))

    def numbers(self, wanted: int) -> Sequence[int]:
        """Return the numbers of the places at which there is an instance with a hash."""
        hashes = self._hashes
        start = stop = bisect_left(hashes, wanted)
        while stop < len(hashes) and hashes[stop] == wanted:
            stop += 1
        return self._numbers[start:stop]


def _nearest(found: Sequence[Place], stated: Place) -> Place | None:
    """Return the place that agrees best with what is said of it."""
    if len(found) <= 1:
        return found[0] if found else None
    return max(found, key=lambda one: (one == stated, one.study == stated.study, one.series == stated.series))


def _hash(key: bytes, uid: str) -> int:
    digest = hashlib.blake2b(uid.encode("utf-8", "replace"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "little")
