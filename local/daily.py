"""What a server that runs for weeks does once a day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

DAY: Final = 86_400.0  # seconds


@contextmanager
def every_day(deed: Callable[[], None], *, period: float = DAY) -> Iterator[None]:
    """Do something a day from now and each day after, beside all else, until the block ends.

    The end does not wait for it.

    Parameters
    ----------
    deed : Callable[[], None]
        Raises nothing.
    period : float
        Seconds, in place of a day.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(period):
            deed()

    threading.Thread(target=run, name="daily", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
