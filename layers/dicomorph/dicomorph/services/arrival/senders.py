"""Telling those who sent a file by way of the API what became of it; others look into the store."""

from __future__ import annotations

from dicomorph.model.resources import Json
from dicomorph.model.uploads import Outcome
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.outcomes import Rejected, Stored, Taken, Worked
from dicomorph.services.arrival.rules import UPLOADS
from dicomorph.services.backend import Backend
from dicomorph.services.uploads.settle import settle, stored


def tell_sender(backend: Backend, arrived: Arrived, taken: Taken) -> None:
    """Write down what became of an upload of the API; before the file goes, so that it is not forgotten.

    Raises
    ------
    TransientError
        If the records are out of reach; to take the file once more tells the same.
    """
    outcome = _outcome(taken)
    if outcome is not None and arrived.name.startswith(UPLOADS):
        settle(backend, arrived.name.removeprefix(UPLOADS), outcome)


def _outcome(taken: Taken) -> Outcome | None:
    if isinstance(taken, Stored):
        return stored(dict(taken.answer))
    if isinstance(taken, Worked):
        answers: list[Json] = [dict(answer) for answer in taken.progress.answers]
        return stored(answers)
    if isinstance(taken, Rejected):
        return Outcome(error_code=taken.code, error_details=taken.details)
    return None
