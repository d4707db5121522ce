"""What the errors of the operating system mean here."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from dicomorph.model.errors import (
    DicomorphError,
    InternalError,
    StorageFullError,
    TransientError,
    UnknownResourceError,
)

_ERRORS: dict[int | None, type[DicomorphError]] = {
    errno.ENOENT: UnknownResourceError,
    errno.ENOTDIR: UnknownResourceError,
    errno.ENOSPC: StorageFullError,
    errno.EDQUOT: StorageFullError,
    errno.EFBIG: StorageFullError,
    errno.EIO: TransientError,
    errno.EAGAIN: TransientError,
    errno.EMFILE: TransientError,
    errno.ENFILE: TransientError,
    errno.ENOMEM: TransientError,
    errno.ESTALE: TransientError,
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn exceptions of the operating system into ours.

    Raises
    ------
    UnknownResourceError
        If there is no such file.
    StorageFullError
        If no space is left, or no more is allowed.
    TransientError
        If the system lacks something that it may have later.
    InternalError
        For everything else, such as a folder that must not be written to.
    """
    try:
        yield
    except OSError as error:
        # The message of the system would name the path, and so the resource.
        name = errno.errorcode.get(error.errno or 0, "unknown error")
        raise _ERRORS.get(error.errno, InternalError)(f"Object store: {name}") from error
