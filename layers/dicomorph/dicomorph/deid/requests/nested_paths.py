"""Nested paths of a request, on their way down (spec 3.2)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dicomorph.model.resources import Json


class Operation(enum.Enum):
    """What a request does to a nested path."""

    KEEP = "Keep"
    REMOVE = "Remove"
    REPLACE = "Replace"


@dataclass(frozen=True, slots=True)
class PathEntry:
    """A nested path of a request, or what is left of it below some sequence.

    Parameters
    ----------
    parents : tuple[tuple[int, int | None], ...]
        The sequences still to descend into, each with the index of an item or None for all.
    tag : int
        The element it ends at.
    """

    operation: Operation
    parents: tuple[tuple[int, int | None], ...]
    tag: int
    value: Json = None

    def enters(self, tag: int, index: int) -> bool:
        """Tell whether the path leads into an item of a sequence."""
        return bool(self.parents) and self.parents[0][0] == tag and self.parents[0][1] in (None, index)

    def entered(self) -> PathEntry:
        """Return what is left of the path inside that item."""
        return PathEntry(self.operation, self.parents[1:], self.tag, self.value)
