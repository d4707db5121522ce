"""Lists of what alone is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AllowList:
    """A list by its name.

    Parameters
    ----------
    name : str
        As requests call it.
    tags : frozenset[int]
        The attributes that are kept wherever they stand.
    """

    name: str
    tags: frozenset[int]
