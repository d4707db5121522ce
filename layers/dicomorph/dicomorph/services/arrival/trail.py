"""Events of the access trail for what arrives by itself: nobody asked for it, so no request tells of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from dicomorph.model.access import AccessEvent, Moment
from dicomorph.model.errors import DicomorphError
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Produced, Rejected, Stored
from dicomorph.services.arrival.rejecting import token_of
from dicomorph.services.arrival.rules import UPLOADS
from dicomorph.services.trail import write_down

_logger = logging.getLogger(__name__)


def check_trail(door: Door) -> None:
    """Find out whether an event could be written, before anything is stored; errors as `tell_trail`."""
    write_down(door.backend, (), on_failure=_log)


def tell_trail(
    door: Door, arrived: Arrived, taken: Stored | Produced | Rejected, *, member: int | None = None
) -> None:
    """Write down what became of a file, or of a member of an archive; not what it was called.

    Parameters
    ----------
    member : int, optional
        The number of a file in an archive, counted from 0.

    Raises
    ------
    DicomorphError
        If that cannot be written, and is to be: the file is to be taken again, which doubles nothing
        but its event.
    """
    made = _made(taken)
    upload = arrived.name.removeprefix(UPLOADS) if arrived.name.startswith(UPLOADS) else ""
    event = AccessEvent(
        moment=Moment.TAKEN,
        time=door.backend.now().isoformat(timespec="milliseconds"),
        request=token_of(arrived.version, member),
        caller={"Source": door.source},
        resources=made,
        count=len(made),
        upload=upload,
        outcome=type(taken).__name__,
    )
    write_down(door.backend, event.lines(), on_failure=_log)


def _made(taken: Stored | Produced | Rejected) -> Sequence[str]:
    if isinstance(taken, Stored):
        return (str(taken.answer["ID"]),)
    return (taken.instance,) if isinstance(taken, Produced) and taken.instance else ()


def _log(error: DicomorphError) -> None:
    _logger.error("Access not recorded: %s", error.details)
