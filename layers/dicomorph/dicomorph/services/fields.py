"""Fields of requests that several routes share, read as Orthanc reads them (spec 1.1, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.model.errors import BadFileFormatError, BadRequestError, ParameterOutOfRangeError
from dicomorph.model.json_fields import read_boolean, read_text, refuse_misspelled
from dicomorph.model.resources import LEVEL_NAMES, Json, Level

MODIFICATION_FIELDS = frozenset(
    {
        *("Replace", "Remove", "Keep", "Force", "RemovePrivateTags", "KeepPrivateTags", "DicomVersion"),
        *("PrivateCreator", "Transcode", "LossyQuality", "KeepLabels", "KeepSource", "Level", "Resources"),
        *("Series", "Instances", "Synchronous", "Asynchronous", "Priority", "Permissive", "UserData"),
        *("Target", "Profile"),
    }
)
"""Of all routes that modify, anonymize, split and merge: each of them ignores those of the others."""

_ELSEWHERE = frozenset({"Peer"})  # a field of Orthanc's transfers, two letters from Keep

_LEVEL_NAMES = {  # spec 1.1; in requests, case does not matter
    **LEVEL_NAMES,
    "image": Level.INSTANCE,
    "images": Level.INSTANCE,
}


def json_object(body: Json) -> dict[str, Json]:
    """Return the body of a request; raise `BadFileFormatError` unless it is a JSON object."""
    if not isinstance(body, dict):
        raise BadFileFormatError("The body of the request must be a JSON object")
    return body


def check_field_names(body: Mapping[str, Json]) -> None:
    """Raise `BadRequestError` if a request to modify, anonymize, split or merge has a misspelled field."""
    refuse_misspelled(body, MODIFICATION_FIELDS, others=_ELSEWHERE)


def identifiers(body: Mapping[str, Json], field: str) -> tuple[str, ...]:
    """Return an array of Orthanc ids; raise `BadFileFormatError` for anything else."""
    value = body.get(field)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadFileFormatError(f"'{field}' must be an array of identifiers")
    return tuple(str(item) for item in value)


def refuse_target(body: Mapping[str, Json]) -> None:
    """Raise `BadRequestError` if a request that moves instances within the store names a ``Target``."""
    if "Target" in body:
        raise BadRequestError("Only what is modified or anonymized can go to a 'Target'")


def is_synchronous(body: Mapping[str, Json]) -> bool:
    """Tell whether the caller waits: ``Synchronous`` decides where present, else ``Asynchronous``."""
    if "Synchronous" in body:
        return read_boolean(body, "Synchronous", default=True)
    return not read_boolean(body, "Asynchronous", default=False)


def read_level(body: Mapping[str, Json]) -> Level | None:
    """Return the field ``Level``, None if it is absent.

    Raises
    ------
    BadFileFormatError
        If it is not a string.
    ParameterOutOfRangeError
        If it names no level.
    """
    if "Level" not in body:
        return None
    level = _LEVEL_NAMES.get(read_text(body, "Level").lower())
    if level is None:
        raise ParameterOutOfRangeError("'Level' must be Patient, Study, Series or Instance")
    return level
