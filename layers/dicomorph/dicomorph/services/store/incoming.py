"""What is asked of a body before it is received, by the size that its sender declares."""

from __future__ import annotations

from dicomorph.model.errors import TooLargeBodyError
from dicomorph.model.settings import MEGABYTE
from dicomorph.services.backend import Backend


def check_body_size(backend: Backend, size: int) -> None:
    """Refuse a body of any request that is larger than the operator allows.

    Raises
    ------
    TooLargeBodyError
        If the setting ``MaximumBodySize`` forbids it.
    """
    largest = backend.settings.maximum_body_size * MEGABYTE
    if largest and size > largest:
        raise TooLargeBodyError("The body of the request is larger than MaximumBodySize")


def check_upload(backend: Backend, size: int) -> None:
    """Refuse an upload before anything of it is written.

    Parameters
    ----------
    size : int
        As declared; 0 where it is not known, which still finds a store that is full.

    Raises
    ------
    TooLargeBodyError
        If the setting ``MaximumBodySize`` forbids it.
    StorageFullError
        If there is no room for it.
    """
    check_body_size(backend, size)
    backend.objects.check_room(size)
