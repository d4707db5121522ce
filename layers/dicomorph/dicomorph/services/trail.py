"""Writing to the access trail, as its setting wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dicomorph.model.access import OnFailure
from dicomorph.model.errors import DicomorphError
from dicomorph.services.backend import Backend


def write_down(
    backend: Backend, lines: Iterable[str], *, on_failure: Callable[[DicomorphError], object]
) -> None:
    """Write the lines of an event, if there is a trail.

    Parameters
    ----------
    lines : Iterable[str]
        None: whether any could be written is found out, before something is done.
    on_failure : Callable[[DicomorphError], object]
        Told of the error of lines that cannot be written, also where the work goes on without them.

    Raises
    ------
    DicomorphError
        If they cannot be written, unless the setting ``AccessTrail`` lets that go.
    """
    if backend.trail is None:
        return
    try:
        backend.trail.write([*lines])
    except DicomorphError as error:
        on_failure(error)
        setting = backend.settings.access_trail
        if setting is None or setting.on_failure is OnFailure.FAIL:
            raise
