"""Stopping in time: between two steps, while there is time for another one."""

from __future__ import annotations

import time

from dicomorph.model.errors import TimeLimitError

_STEP = 1.0  # seconds: what one is taken to last until there has been a longer one
_UNFINISHED = "Not all is deleted yet: the rest goes within minutes, or with the same call again"


class Deadline:
    """The end of the time that a call has for its steps.

    Parameters
    ----------
    seconds : float, optional
        From now on; None is for ever.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._step_began: float | None = None
        self._longest = _STEP

    def check(self) -> None:
        """Begin a step.

        Raises
        ------
        TimeLimitError
            If there is no time left for a step as long as the longest one before.
        """
        now = time.monotonic()
        if self._step_began is not None:
            self._longest = max(self._longest, now - self._step_began)
        self._step_began = now
        if self._end is not None and now + self._longest > self._end:
            raise TimeLimitError(_UNFINISHED)
