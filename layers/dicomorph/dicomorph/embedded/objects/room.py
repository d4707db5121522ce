"""Whether there is room for another object, asked before anything of it is written."""

from __future__ import annotations

import os
from collections.abc import Callable

from dicomorph.model.errors import DataFolderGoneError, StorageFullError

_KEPT = 512 << 20  # bytes that stay free, for the index, documents of jobs, and the rest of the machine
_KEPT_PART = 20  # or one in so many of all


class Room:
    """How much may still be stored: up to a quota, and as long as enough of the disk stays free.

    Parameters
    ----------
    folder : str
        On the file system of the objects.
    quota : int
        Bytes that all instances may take; 0 for no limit.
    free : int or None
        Bytes of the disk that stay free; None for 512 MiB, or the twentieth part of a small disk.
    used : Callable[[], int]
        How many bytes all instances take now; asked only if there is a quota.
    """

    def __init__(
        self, folder: str, *, quota: int = 0, free: int | None = 0, used: Callable[[], int] = lambda: 0
    ) -> None:
        self._folder = folder
        self._quota = quota
        self._free = free
        self._used = used

    def check(self, size: int) -> None:
        """Raise `StorageFullError` if there is no room for so many bytes more."""
        self.check_quota(size)
        self.check_disk(size)

    def check_quota(self, size: int) -> None:
        """Raise `StorageFullError` if so many bytes more would be beyond the quota."""
        if self._quota and self._used() + size > self._quota:
            raise StorageFullError("The server may not store more than MaximumStorageSize")

    def check_disk(self, size: int) -> None:
        """Raise `StorageFullError` if the disk would not keep as much free as it must.

        Raises
        ------
        DataFolderGoneError
            If the folder is not there: before anything is written, this is the first to notice.
        """
        if self._free == 0:
            return
        try:
            found = os.statvfs(self._folder)
        except (FileNotFoundError, NotADirectoryError):
            raise DataFolderGoneError from None
        kept = self._free
        if kept is None:
            kept = min(_KEPT, found.f_blocks * found.f_frsize // _KEPT_PART)
        if found.f_bavail * found.f_frsize < kept + size:
            raise StorageFullError("The disk has no room beside MinimumFreeSpace")
