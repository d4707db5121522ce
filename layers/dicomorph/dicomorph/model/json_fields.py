"""The fields of a JSON request that all kinds of requests read by one rule: the type must fit (spec 2.4)."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json


def read_boolean(body: Mapping[str, Json], name: str, *, default: bool) -> bool:
    """Return a boolean field.

    JSON has booleans, so nothing else stands for one: neither 1 nor ``"true"``. Arguments of a
    query are another thing, for they are text (`http.reading.requests.Request.flag`).

    Raises
    ------
    BadFileFormatError
        If it is something else.
    """
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadFileFormatError(f"'{name}' must be true or false")
    return value


def read_text(body: Mapping[str, Json], name: str, *, default: str = "") -> str:
    """Return a string field; raise `BadFileFormatError` if it is something else."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadFileFormatError(f"'{name}' must be a string")
    return value
