"""Index writes that come late: the sweeper may have taken what they are about to refer to.

Nothing here takes an hour between the file and its entry, unless the machine was asleep, or stopped.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from dicomorph.model.resources import ObjectRef
from dicomorph.services.backend import Backend

LATE: Final = timedelta(hours=1)


def has_lost(backend: Backend, refs: Collection[ObjectRef], *, since: datetime) -> bool:
    """Tell whether an attempt took longer than an hour, and one of its files is there no more.

    Parameters
    ----------
    refs : Collection[ObjectRef]
        What is about to get its entry.
    since : datetime
        When the attempt began, before any of the files was written, by the clock of the backend.
    """
    is_late = abs(backend.now() - since) > LATE  # whichever way the clock was set meanwhile
    return is_late and bool(refs) and not backend.objects.are_stored(list(refs))
