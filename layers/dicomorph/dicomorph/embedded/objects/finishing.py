"""Writing a file so that it has its name when it is finished, and not before."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from dicomorph.embedded.objects.folders import move_into, prune
from dicomorph.embedded.objects.modes import PRIVATE, give_mode, open_folders
from dicomorph.embedded.objects.naming import create_nameless, give_name
from dicomorph.embedded.objects.spool import Spool
from dicomorph.embedded.objects.syncing import folders_above, sync_paths
from dicomorph.embedded.objects.taking import take_file
from dicomorph.model.errors import DataFolderGoneError

Fill = Callable[[int], int]
"""Writes the content of a file to a descriptor; returns the CRC-32 of what it wrote."""


class FileWriter:
    """Writes the files below one folder.

    Parameters
    ----------
    root : str
        The folder.
    spool : Spool
        Where files lie that must have a name before they are finished.
    is_nameless : bool
        Whether the file system knows files without a name.
    sync : bool
        Whether each file is on the disk, with its name, when it is written.
    must_stay : bool
        Whether nothing is written once the folder has gone, or another one stands in its place.
    mode : int
        The rights of files; the folders between may be entered by whoever may read these.
    """

    def __init__(
        self, root: str, spool: Spool, *, is_nameless: bool, sync: bool, must_stay: bool, mode: int
    ) -> None:
        self._root = root
        self._spool = spool
        self._write = self._write_nameless if is_nameless else self._write_aside
        self._sync = sync
        self._must_stay = must_stay
        self._mode = mode

    def write(self, path: str, fill: Fill) -> tuple[int, int]:
        """Write a file; return its size and its CRC-32.

        Raises
        ------
        DataFolderGoneError
            If the folder must stay, and has not.
        """
        self.check_folder()
        found = self._write(path, fill)
        self._finish(path)
        return found

    def take(self, descriptor: int, path: str, target: str) -> bool:
        """Let a file that is finished have another name here, too; tell whether that could be done.

        Raises
        ------
        DataFolderGoneError
            As in `write`.
        """
        self.check_folder()
        try:
            if not take_file(path, target, self._spool.path()):
                return False
            give_mode(descriptor, self._mode)  # whoever made it may have let others read it
            self._complete(descriptor)
        except BaseException:
            prune(target, self._root)
            raise
        self._finish(target)
        return True

    def check_folder(self) -> None:
        """Raise `DataFolderGoneError` if the folder must stay, and has not."""
        if self._must_stay and not self._spool.is_there():
            raise DataFolderGoneError

    def _finish(self, path: str) -> None:
        """Let the folders of a new file be as open as it is, and bring them to the disk."""
        if self._mode != PRIVATE:
            open_folders(path, self._root, self._mode)
        if self._sync:
            sync_paths(sorted(folders_above([path], self._root)))

    def _write_nameless(self, path: str, fill: Fill) -> tuple[int, int]:
        descriptor = create_nameless(os.path.dirname(path))  # noqa: PTH120 - a hot path
        try:
            found = self._fill(descriptor, fill)
            try:
                give_name(descriptor, path)
            except FileExistsError:  # the same bytes, or a document that is written anew
                temporary = self._spool.path()
                give_name(descriptor, temporary)
                move_into(temporary, path)
        except BaseException:
            prune(path, self._root)
            raise
        finally:
            os.close(descriptor)
        return found

    def _write_aside(self, path: str, fill: Fill) -> tuple[int, int]:
        temporary, descriptor = self._spool.create()
        try:
            try:
                found = self._fill(descriptor, fill)
            finally:
                os.close(descriptor)
            move_into(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108 - paths are text here
            raise
        return found

    def _fill(self, descriptor: int, fill: Fill) -> tuple[int, int]:
        """Write a file; return its size and its CRC-32."""
        crc32 = fill(descriptor)
        self._complete(descriptor)
        return os.fstat(descriptor).st_size, crc32

    def _complete(self, descriptor: int) -> None:
        if self._mode != PRIVATE:
            give_mode(descriptor, self._mode)
        if self._sync:
            os.fsync(descriptor)
