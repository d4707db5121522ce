"""Stopping in time: between two steps, while there is time for another one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from dicomorph.model.errors import TimeLimitError

_STEP = 1.0  # seconds: what one is taken to last until there has been a longer one


class Deadline:
    """The end of the time that a call has for its steps.

    Parameters
    ----------
    seconds : Callable[[], float] or float, optional
        From now on, or what tells how much is left; None is for ever.
    unfinished : str
        What is said to whom it is too short for.
    job_id : str
        The job that he asks about, if any.
    """

    def __init__(
        self, seconds: Callable[[], float] | float | None, unfinished: str, *, job_id: str = ""
    ) -> None:
        self._left = _left(seconds)
        self._unfinished = unfinished
        self._job_id = job_id
        self._step_began: float | None = None
        self._longest = _STEP

    def check(self, *, needed: float = 0.0) -> None:
        """Begin a step.

        Parameters
        ----------
        needed : float
            Seconds that this one is known to take, if that is more than any before.

        Raises
        ------
        TimeLimitError
            If there is no time left for a step as long as the longest one before.
        """
        now = time.monotonic()
        if self._step_began is not None:
            self._longest = max(self._longest, now - self._step_began)
        self._step_began = now
        if self._left(now) < max(self._longest, needed):
            raise TimeLimitError(self._unfinished, job_id=self._job_id)


def _left(seconds: Callable[[], float] | float | None) -> Callable[[float], float]:
    """Return what tells how much is left at a moment of the clock."""
    if seconds is None:
        return lambda _: math.inf
    if callable(seconds):
        return lambda _: seconds()
    end = time.monotonic() + seconds
    return lambda now: end - now
