"""JSON that is what it must be, or nothing: of files that a power cut may have cut short."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

_ValueT = TypeVar("_ValueT")


def read(document: bytes | None, decode: Callable[[Any], _ValueT]) -> _ValueT | None:
    """Return what a document holds; nothing if it is absent, or no document of its kind.

    Parameters
    ----------
    decode : Callable[[Any], _ValueT]
        Makes it of the JSON. What has another shape, it refuses with a `LookupError`, `TypeError`
        or `ValueError`, as `only` and `count` do.
    """
    if document is None:
        return None
    try:
        return decode(json.loads(document))
    except (LookupError, RecursionError, TypeError, ValueError):
        return None


def only(kind: type[_ValueT], value: Any) -> _ValueT:
    """Return a value of a type, which is that very type: true is no number."""
    if type(value) is not kind:
        raise TypeError
    return value


def count(value: Any) -> int:
    """Return a whole number that is not negative."""
    number = only(int, value)
    if number < 0:
        raise ValueError
    return number
