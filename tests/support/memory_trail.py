"""An access trail that a test looks at, and breaks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class MemoryTrail:
    """Keeps lines, or refuses them.

    Attributes
    ----------
    error : Exception, optional
        What calls raise.
    calls_before : int
        How many calls are answered before that.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.error: Exception | None = None
        self.calls_before = 0

    def write(self, lines: Sequence[str]) -> None:
        if self.error is not None and self.calls_before <= 0:
            raise self.error
        self.calls_before -= 1
        self.lines += lines

    def events(self) -> list[dict[str, Any]]:
        """Return what was written since the last call."""
        found = [json.loads(line) for line in self.lines]
        self.lines.clear()
        return found
