"""The fields of a request that concern its job, not its files (spec 2.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph.model.errors import (
    BadFileFormatError,
    BadRequestError,
    NotImplementedYetError,
    ParameterOutOfRangeError,
)
from dicomorph.model.resources import LEVELS, Json, Level

_DICOM_TRANSFER_SYNTAXES = "1.2.840.10008.1.2"  # PS3.6 table A-1: all of them start so
_PRIORITIES = range(-(1 << 31), 1 << 31)
_LARGEST_USER_DATA = 256 << 10  # bytes: they are in the record of the job, and DynamoDB's items are small
_AS_SHOWN = json.JSONEncoder(indent=3)  # indentation multiplies what is deeply nested
_LEVEL_NAMES = {  # spec 1.1; in requests, case does not matter
    **{name: level for level in LEVELS for name in (level.value.lower(), level.path)},
    "image": Level.INSTANCE,
    "images": Level.INSTANCE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How a job is run.

    Parameters
    ----------
    synchronous : bool
        Whether the caller waits for the result.
    priority : int
        Higher first.
    permissive : bool
        Whether the job goes on, and succeeds, when an instance fails.
    user_data : Json
        Echoed in the job; None if there is none.
    """

    synchronous: bool
    priority: int
    permissive: bool
    user_data: Json


def read_job_options(body: Mapping[str, Json]) -> JobOptions:
    """Read what is the same for all kinds of jobs; Orthanc checks it after everything else.

    Raises
    ------
    BadFileFormatError
        If a field has the wrong type.
    BadRequestError
        If ``UserData`` is too large.
    """
    synchronous = is_synchronous(body)
    priority = body.get("Priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool) or priority not in _PRIORITIES:
        raise BadFileFormatError("'Priority' must be an integer of 32 bits")
    return JobOptions(
        synchronous=synchronous,
        priority=priority,
        permissive=read_boolean(body, "Permissive", default=False),
        user_data=_user_data(body),
    )


def _user_data(body: Mapping[str, Json]) -> Json:
    value = body.get("UserData")
    size = 0
    for piece in _AS_SHOWN.iterencode(value):
        size += len(piece)
        if size > _LARGEST_USER_DATA:
            raise BadRequestError("'UserData' is larger than 256 KiB")
    return value


def is_synchronous(body: Mapping[str, Json]) -> bool:
    """Tell whether the caller waits: ``Synchronous`` decides where present, else ``Asynchronous``."""
    if "Synchronous" in body:
        return read_boolean(body, "Synchronous", default=True)
    return not read_boolean(body, "Asynchronous", default=False)


def read_boolean(body: Mapping[str, Json], name: str, *, default: bool) -> bool:
    """Return a boolean field.

    Raises
    ------
    BadFileFormatError
        If it is something else.
    """
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadFileFormatError(f"'{name}' must be true or false")
    return value


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
    name = body["Level"]
    if not isinstance(name, str):
        raise BadFileFormatError("'Level' must be a string")
    level = _LEVEL_NAMES.get(name.lower())
    if level is None:
        raise ParameterOutOfRangeError("'Level' must be Patient, Study, Series or Instance")
    return level


def check_transcode(body: Mapping[str, Json]) -> None:
    """Refuse what cannot be done: no transfer syntax is converted into another one yet.

    Raises
    ------
    BadFileFormatError
        If ``Transcode`` is not the UID of a transfer syntax.
    NotImplementedYetError
        If it is one.
    """
    if "Transcode" not in body:
        return
    value = body["Transcode"]
    if not isinstance(value, str) or not value.startswith(_DICOM_TRANSFER_SYNTAXES):
        raise BadFileFormatError("'Transcode' must be the UID of a transfer syntax")
    raise NotImplementedYetError("Jobs cannot transcode yet")
