"""The fields of a request that concern its job, not its files (spec 2.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph.model.errors import BadFileFormatError, BadRequestError
from dicomorph.model.json_fields import read_boolean
from dicomorph.model.resources import Json
from dicomorph.services.fields import is_synchronous

_PRIORITIES = range(-(1 << 31), 1 << 31)
_LARGEST_USER_DATA = 256 << 10  # bytes: each view of the job shows them, and a list of jobs all of them
_AS_SHOWN = json.JSONEncoder(indent=3)  # indentation multiplies what is deeply nested


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How a job is run.

    Parameters
    ----------
    priority : int
        Higher first.
    permissive : bool
        Whether the job goes on, and succeeds, when an instance fails.
    user_data : Json
        Echoed in the job; None if there is none.
    """

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
    is_synchronous(body)  # whoever answers asks again: here for its errors, before the job starts
    priority = body.get("Priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool) or priority not in _PRIORITIES:
        raise BadFileFormatError("'Priority' must be an integer of 32 bits")
    return JobOptions(
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
