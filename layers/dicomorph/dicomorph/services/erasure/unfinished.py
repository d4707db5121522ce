"""Finishing deletions whose calls were cut short."""

from __future__ import annotations

from datetime import timedelta

from dicomorph.model.errors import DicomorphError, TimeLimitError
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.erasure.erasing import UNFINISHED, carry_out
from dicomorph.services.erasure.records import Erasure, erasures_at, forget, read_head

_LEFT_TO_ITS_CALL = timedelta(minutes=1)  # which the gateway gives 29 s
_NEVER_BEGUN = timedelta(hours=1)


def finish_erasures(backend: Backend, *, seconds: float) -> None:
    """Carry out what is written down, the oldest first, and forget what never began.

    What a call may still be at is left to it. What is not done in time, the next run does; what
    fails, keeps nothing else from being done.

    Parameters
    ----------
    seconds : float
        How long it may take.

    Raises
    ------
    DicomorphError
        One of the failures, so that somebody is told.
    """
    deadline = Deadline(seconds, UNFINISHED)
    failure: DicomorphError | None = None
    for erasure in sorted(erasures_at(backend.objects), key=lambda one: one.time):
        try:
            _finish(backend, erasure, deadline)
        except TimeLimitError:
            break
        except DicomorphError as error:
            failure = error
    if failure is not None:
        raise failure


def _finish(backend: Backend, erasure: Erasure, deadline: Deadline) -> None:
    age = backend.now() - erasure.time
    if erasure.is_begun:
        if age >= _LEFT_TO_ITS_CALL and (head := read_head(backend.objects, erasure)) is not None:
            carry_out(backend, erasure, head, deadline)
    elif age >= _NEVER_BEGUN:
        forget(backend.objects, erasure.chunks)
