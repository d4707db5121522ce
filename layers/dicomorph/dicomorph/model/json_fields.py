"""The fields of a JSON request that all kinds of requests read by one rule: the type must fit (spec 2.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice

from dicomorph.model.errors import BadFileFormatError, BadRequestError
from dicomorph.model.resources import Json

_SLIP = 2  # letters in which a misspelled name differs, at most
_MOST_STRANGERS = 1_000  # nobody has so many fields by mistake, and each costs a little


def refuse_misspelled(body: Mapping[str, Json], known: Collection[str], *, others: Collection[str]) -> None:
    """Refuse a field that is none, but nearly is: what it asks for would be ignored unseen.

    A name differs from the one that was meant in case, by up to two letters, or in both. Any
    other unknown field is ignored, as in Orthanc (spec 2.4).

    Parameters
    ----------
    known : Collection[str]
        The fields that the request may have.
    others : Collection[str]
        Those that it may have for the sake of other routes, where they come near a known one.

    Raises
    ------
    BadRequestError
        With the name that was meant; the other one, which may be anything, is not repeated.
    """
    strangers = (name for name in body if name not in known and name not in others)
    for name in islice(strangers, _MOST_STRANGERS):
        distance, meant = min((_distance(name.lower(), field.lower()), field) for field in known)
        if distance <= _SLIP:
            raise BadRequestError(f"A field of the request is misspelled: '{meant}' was probably meant")


def _distance(one: str, other: str) -> int:
    """Return how many letters have to be changed, added or left out (Levenshtein); 3 stands for more."""
    if abs(len(one) - len(other)) > _SLIP:
        return _SLIP + 1
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        above, row = row, [number]
        for at, wanted in enumerate(other):
            row.append(min(above[at] + (letter != wanted), above[at + 1] + 1, row[at] + 1))
        if min(row) > _SLIP:
            break
    return min(row[-1], _SLIP + 1)


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
