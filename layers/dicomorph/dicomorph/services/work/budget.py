"""How long a step of a job may go on before it leaves the rest to the next one."""

from __future__ import annotations

import time


class Budget:
    """The seconds of one step; it ends at the first place at which it can be continued.

    Parameters
    ----------
    seconds : float, optional
        From now on. None for as long as it takes: nobody would call again.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def is_spent(self) -> bool:
        """Whether the step is to end."""
        return self._end is not None and time.monotonic() >= self._end


_RESERVE = 300.0
"""Seconds of a function's time that are left for what a step does not interrupt."""


def budget_of(context: object) -> Budget:
    """Return the budget of an invocation, by what Lambda says of its time; none without Lambda."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return Budget() if remaining is None else Budget(remaining() / 1000 - _RESERVE)
