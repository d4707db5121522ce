"""Bringing files into another data folder: by hard links, or by copies where these cannot be."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dicomorph.embedded.objects.folders import ABSENT
from dicomorph.embedded.objects.spool import Spool

_ATTEMPTS = 1000
# Another file system, one without links, too many of them, or another owner's file.
_NO_LINK = frozenset((errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES))


class Carrier:
    """Brings files, each whole or not at all.

    A link is as good as a copy, since no file is ever changed: what is written anew, gets its name by a
    rename, and a deletion takes a name only.

    Parameters
    ----------
    source, target : str
        The two data folders.
    spool : Spool
        Of the target.
    """

    def __init__(self, source: str, target: str, spool: Spool) -> None:
        self._source = source
        self._target = target
        self._spool = spool
        self.brought = 0

    def bring(self, name: str, *, as_name: str = "", renews: Callable[[str], bool] | None = None) -> bool:
        """Let the target have a file; tell whether the source has it.

        Parameters
        ----------
        name : str
            The path from the data folder on.
        as_name : str
            The one in the target, if it is another one.
        renews : Callable, optional
            Whether a file of the source takes the place of another one that the target has already.
        """
        source, target = f"{self._source}/{name}", f"{self._target}/{as_name or name}"
        for _ in range(_ATTEMPTS):
            try:
                os.link(source, target, follow_symlinks=False)
            except FileExistsError:
                return self._renew(source, target, renews)
            except ABSENT:
                if not os.path.lexists(source):
                    return False
                os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)  # noqa: PTH103, PTH120 - paths are text
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                if os.path.lexists(target):
                    return self._renew(source, target, renews)
                return self._replace(_copy, source, target)
            else:
                self.brought += 1
                return True
        raise OSError(errno.EIO, "A folder vanishes again and again")

    def has(self, name: str) -> bool:
        """Tell whether the target has a file."""
        return os.path.lexists(f"{self._target}/{name}")

    def _renew(self, source: str, target: str, renews: Callable[[str], bool] | None) -> bool:
        with suppress(*ABSENT):
            if _are_alike(source, target) or renews is None or not renews(source):
                return True
            with suppress(OSError):
                return self._replace(_link, source, target)
            return self._replace(_copy, source, target)
        return False

    def _replace(self, make: Callable[[str, str], None], source: str, target: str) -> bool:
        place = self._spool.path()
        try:
            make(source, place)
            os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)  # noqa: PTH103, PTH120
            os.replace(place, target)  # noqa: PTH105
        except ABSENT:
            return False
        finally:
            Path(place).unlink(missing_ok=True)
        self.brought += 1
        return True


def _are_alike(source: str, target: str) -> bool:
    """Tell whether two names are of one file, or one of a copy of the other."""
    one, other = os.lstat(source), os.lstat(target)
    return os.path.samestat(one, other) or (one.st_size, one.st_mtime_ns) == (
        other.st_size,
        other.st_mtime_ns,
    )


def _link(source: str, target: str) -> None:
    os.link(source, target, follow_symlinks=False)


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
