"""Work on frames by several threads, its results in the order of the frames."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from dicomorph.transcoding.room import Room

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    most_in_flight: int,
    room: Room,
    size: int,
) -> Generator[_Result, None, None]:
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
        How many items and results there are at a time; with one, there is no other thread.
    room : Room
        Which all that goes on in the process shares: no item is taken without room for it, and its
        result.
    size : int
        Bytes that an item takes.
    """
    threads = min(cores(), most_in_flight)
    if threads <= 1:
        yield from _one_by_one(work, iter(items), room, size)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="frames")
    pending: deque[Future[_Result]] = deque()
    rest, held = iter(items), 0
    try:
        while True:
            while pending and (len(pending) >= most_in_flight or not room.try_take(size)):
                yield pending.popleft().result()
                room.give_back(size)
                held -= 1
            if not pending:
                room.take(size)
            held += 1
            pending.extend(pool.submit(work, item) for item in islice(rest, 1))
            if len(pending) < held:
                break
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        for _ in range(held):
            room.give_back(size)


def _one_by_one(
    work: Callable[[_Item], _Result], items: Iterator[_Item], room: Room, size: int
) -> Iterator[_Result]:
    while True:
        room.take(size)
        try:
            results = [work(item) for item in islice(items, 1)]
            yield from results
        finally:
            room.give_back(size)
        if not results:
            return


def cores() -> int:
    """Return how many cores the process may use."""
    return len(os.sched_getaffinity(0))
