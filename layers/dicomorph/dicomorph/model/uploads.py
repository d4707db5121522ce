"""Uploads that go past the API, as values: what is announced and offered, and what becomes of it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dicomorph.model.resources import Json


class UploadState(enum.Enum):
    """How far an upload has come; the value is what clients are told."""

    PENDING = "Pending"
    FAILURE = "Failure"
    SUCCESS = "Success"

    @property
    def rank(self) -> int:
        """Return what counts among several reports of the same upload: the highest does.

        Reports come twice and out of order, and a file that was refused may be sent again.
        """
        return list(UploadState).index(self)


class Digest(enum.Enum):
    """An algorithm for checksums; the value is its field in requests."""

    CRC32 = "Crc32"
    SHA256 = "Sha256"

    @property
    def size(self) -> int:
        """Return the bytes of a checksum."""
        return 4 if self is Digest.CRC32 else 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a client is going to send.

    Parameters
    ----------
    size : int
        Bytes of the file.
    part_size : int
        Bytes of each part but the last, if the deployment takes parts; `size` if there is one only.
    digest : str
        The algorithm of the checksums, as in `Digest`; empty if there are none.
    checksums : tuple[str, ...]
        Of each part, in hex.
    """

    size: int
    part_size: int
    digest: str = ""
    checksums: tuple[str, ...] = ()

    @property
    def is_parted(self) -> bool:
        """Tell whether there are several parts."""
        return self.parts > 1

    @property
    def parts(self) -> int:
        """Return how many parts there are."""
        return -(-self.size // self.part_size)

    def range_of(self, number: int) -> tuple[int, int]:
        """Return the first byte of a part, of which the first is 1, and the one behind its last."""
        return (number - 1) * self.part_size, min(number * self.part_size, self.size)

    @property
    def part_sizes(self) -> list[int]:
        """Return the bytes of each part."""
        ranges = map(self.range_of, range(1, self.parts + 1))
        return [stop - start for start, stop in ranges]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedPart:
    """A range of the file, and where it is to be sent.

    Parameters
    ----------
    number : int
        Of the part; the first is 1.
    start, stop : int
        Its first byte, and the one behind its last.
    url : str
        Takes it by PUT; whoever knows it may send, until it expires.
    headers : Mapping[str, str]
        Must be sent along, as they stand here.
    """

    number: int
    start: int
    stop: int
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Where a file is to be sent.

    Parameters
    ----------
    in_parts : bool
        Whether the file goes in parts, of which somebody has to make one in the end.
    parts : tuple[OfferedPart, ...]
        Those that are to be sent, in the order of the file; else one, which is all of it.
    expires : datetime
        No sending may begin after it.
    ticket : str
        What the deployment has to know of the upload again: S3's id of an upload in parts, or
        the secret in the address.
    """

    in_parts: bool
    parts: tuple[OfferedPart, ...]
    expires: datetime
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a file that was sent.

    Parameters
    ----------
    content : Json
        Of a success: the answer as of ``POST /instances``.
    error_code : int
        Orthanc's code of a failure; 0 is a success.
    error_details : str
        Why, in words for the client; free of attribute values.
    """

    content: Json = None
    error_code: int = 0
    error_details: str = ""

    @property
    def state(self) -> UploadState:
        """Return the state that an upload has with it."""
        return UploadState.FAILURE if self.error_code else UploadState.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The record of an upload.

    Parameters
    ----------
    id : str
        Unpredictable, in hex.
    created, expires, forgotten : str
        When it was asked for, until when sending may begin, and when nobody knows of it any more:
        UTC in ISO 8601, with microseconds, so that they sort as text.
    announced : Announcement
        What is to come.
    ticket : str
        As in `Offer`.
    """

    id: str
    announced: Announcement
    created: str
    expires: str
    forgotten: str
    ticket: str = ""
    outcome: Outcome | None = None

    @property
    def state(self) -> UploadState:
        """Return how far it has come."""
        return UploadState.PENDING if self.outcome is None else self.outcome.state


_CHANGING = ("expires", "outcome")


def encode(upload: Upload) -> dict[str, Json]:
    """Return what stays as it is of a record as values that JSON knows, by the names of its fields."""
    return {name: value for name, value in dataclasses.asdict(upload).items() if name not in _CHANGING}


def encode_outcome(outcome: Outcome) -> dict[str, Json]:
    """Return an outcome as values that JSON knows, by the names of its fields."""
    return dataclasses.asdict(outcome)


def decode(record: Mapping[str, Any], *, expires: str, outcome: Mapping[str, Any] | None) -> Upload:
    """Return an upload from what was encoded, and from what changes of it."""
    announced = {**record["announced"], "checksums": tuple(record["announced"]["checksums"])}
    found = {**record, "announced": Announcement(**announced)}
    return Upload(**found, expires=expires, outcome=None if outcome is None else Outcome(**outcome))
