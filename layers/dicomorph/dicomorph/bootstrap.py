"""The backend of this process: the one place that chooses a deployment."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

from dicomorph.services.backend import Backend

if TYPE_CHECKING:
    from dicomorph.aws.arrivals.ingestion import Ingestion
    from dicomorph.services.sweeping.sweeper import Sweeper

_lock = threading.Lock()
_backend: Backend | None = None


def get_backend() -> Backend:
    """Return the backend of this process, made at the first call.

    Unless one was set with `use_backend`, it is the one on AWS that the environment describes.
    """
    global _backend  # noqa: PLW0603 - a process has one backend, and Lambda offers no other place for it
    with _lock:
        if _backend is None:
            # Only here: the embedded server, which sets its own, loads nothing of AWS.
            from dicomorph.aws.backend import aws_backend  # noqa: PLC0415
            from dicomorph.aws.environment import read_environment  # noqa: PLC0415

            _backend = aws_backend(read_environment())
        return _backend


def chosen_backend() -> Backend | None:
    """Return the backend that was set or made, None if there is none yet."""
    return _backend


def use_backend(backend: Backend | None) -> None:
    """Set the backend of this process; None forgets it."""
    global _backend  # noqa: PLW0603 - as above
    with _lock:
        _backend = backend


@functools.cache
def get_ingestion() -> Ingestion:
    """Return what takes in files that arrive on AWS, with the backend of this process once it needs it."""
    from dicomorph.aws.backend import aws_ingestion  # noqa: PLC0415 - as above
    from dicomorph.aws.environment import read_environment  # noqa: PLC0415

    return aws_ingestion(read_environment(), get_backend)


@functools.cache
def get_sweeper() -> Sweeper:
    """Return what deletes the files on AWS that nothing refers to, with the backend of this process."""
    from dicomorph.aws.backend import aws_sweeper  # noqa: PLC0415 - as above
    from dicomorph.aws.environment import read_environment  # noqa: PLC0415

    return aws_sweeper(read_environment(), get_backend())
