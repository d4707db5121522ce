"""Setting aside what cannot be taken: nothing that was to be changed gets into the store unchanged."""

from __future__ import annotations

import hashlib
import json

from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import (
    BadRequestError,
    CannotStoreInstanceError,
    DicomorphError,
    InexistentTagError,
    NotImplementedYetError,
    RefusedError,
    UnknownDicomTagError,
)
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.resources import Json
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Rejected
from dicomorph.services.store.uploaded_file import OpenFile

FAULTS = (
    BadRequestError,
    CannotStoreInstanceError,
    InexistentTagError,
    NotImplementedYetError,
    UnknownDicomTagError,
)
"""What is wrong with a file. Every other error is one of the deployment, and the file waits for its end."""

_TOKEN_DIGITS = 32


def reject(
    door: Door, source: Source, version: str, error: DicomorphError, *, member: int | None = None
) -> Rejected:
    """Keep a file, and the reason beside it, if the door keeps any; doing so twice leaves it once.

    The keys follow from the version that arrived, which is as good as random: nothing of its name is
    in them, nor in the reason.

    Parameters
    ----------
    version : str
        `Arrived.version`.
    member : int, optional
        The number of a file in an archive, counted from 0.
    """
    rejected = Rejected(error.code, error.details)
    if door.rejected is None:
        return rejected
    key, store = f"{door.rejected.prefix}{token_of(version, member)}", door.rejected.store
    kept = OpenFile(source).put(store, key)
    reason: dict[str, Json] = {
        "Date": door.backend.now().strftime("%Y%m%dT%H%M%S"),
        "Details": error.details,
        "OrthancError": describe_code(error.code)[0],
        "OrthancStatus": error.code,
        "Size": source.size,
    }
    if isinstance(error, RefusedError):
        reason["Refused"] = error.reason
    if member is not None:
        reason["Member"] = member
    told = store.put(f"{key}.json", json.dumps(reason, indent=2).encode())
    store.sync([kept, told])
    return rejected


def token_of(version: str, member: int | None = None) -> str:
    """Return what stands for a version of a file, or a member of it, where its name may not."""
    return hashlib.sha256(f"{version}\n{member}".encode()).hexdigest()[:_TOKEN_DIGITS]
