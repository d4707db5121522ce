"""How the time that something takes grows with its size, whatever machine it runs on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_TIMES = 4
_LINEAR = 9.0  # four times as long as a quarter of it, and some; in squares it were sixteen times


def grows_with_its_size(work: Callable[[Any], object], make: Callable[[int], Any], *, size: int) -> bool:
    """Tell whether work on something takes no more than in proportion to its size.

    Parameters
    ----------
    work : Callable
        Done on what `make` returns, and measured by the processor time of this process.
    make : Callable[[int], Any]
        Makes something of a size, and of a quarter of it.
    size : int
        So large that the quarter takes some milliseconds.
    """
    small, large = make(size // _TIMES), make(size)
    return _least(work, large) < _LINEAR * _least(work, small)


def _least(work: Callable[[Any], object], made: Any) -> float:
    spent = []
    for _ in range(3):
        started = time.process_time()
        work(made)
        spent.append(time.process_time() - started)
    return min(spent)
