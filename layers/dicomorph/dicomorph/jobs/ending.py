"""Where the finalization of a job stands between two of its steps: small numbers, for the state machine."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


class Phase(enum.IntEnum):
    """What a finalization does, in this order; each phase can be repeated."""

    LIST = 0
    SETTLE = 1
    LOOK = 2
    COUNT = 3
    REMOVE = 4
    END = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCursor:
    """Where a finalization goes on.

    Parameters
    ----------
    batch : int
        The first one that the phase has not done; of series, in `Phase.SETTLE`.
    sources, left_overs : bool
        What was found to go, as far as it has not gone.
    dangling : int
        As `contents.final_content` takes it.
    listing : int
        As `Job.listing`.
    """

    phase: Phase = Phase.LIST
    batch: int = 0
    sources: bool = False
    left_overs: bool = False
    dangling: int = 0
    listing: int = 0

    def at(self, phase: Phase) -> EndCursor:
        """Return the beginning of another phase."""
        return replace(self, phase=phase, batch=0)

    def to_json(self) -> dict[str, int]:
        """Return it as the state holds it."""
        return {name: int(value) for name, value in asdict(self).items()}


def read_end_cursor(document: Mapping[str, Any]) -> EndCursor:
    """Return a cursor from the state; nothing in it is the beginning."""
    return EndCursor(
        phase=Phase(document.get("phase", 0)),
        batch=int(document.get("batch", 0)),
        sources=bool(document.get("sources", 0)),
        left_overs=bool(document.get("left_overs", 0)),
        dangling=int(document.get("dangling", 0)),
        listing=int(document.get("listing", 0)),
    )
