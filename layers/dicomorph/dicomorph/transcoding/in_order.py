"""Work on frames by several threads, its results in the order of the frames."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, most_in_flight: int
) -> Iterator[_Result]:
    """Yield what becomes of items, in their order, whichever thread is done first.

    Items are taken and results are given by the calling thread.

    Parameters
    ----------
    work : Callable[[Item], Result]
        Called by as many threads as the process has cores; the library that it calls gives up the
        interpreter's lock.
    items : Iterable[Item]
        Taken one by one, as earlier ones are done.
    most_in_flight : int
        How many items and results there are at a time; with one, there is no thread.
    """
    threads = min(cores(), most_in_flight)
    if threads <= 1:
        yield from map(work, items)
        return
    pending: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="frames")
    try:
        for item in items:
            if len(pending) >= most_in_flight:
                yield pending.popleft().result()
            pending.append(pool.submit(work, item))
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Return how many cores the process may use."""
    return len(os.sched_getaffinity(0))
