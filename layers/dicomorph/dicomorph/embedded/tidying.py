"""What a start does to the files of a data folder: it erases what is due, and sets aside what is nobody's.

Nothing here deletes a file but by way of the outbox. An index that is older than the files, since
somebody restored it, costs none of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from dicomorph.embedded.claims import Claims, chunks, instance_keys
from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.folders import (
    ABSENT,
    ORPHANS,
    PINNED,
    files_below,
    is_key,
    move_into,
    path_of,
    prune,
    siblings,
)
from dicomorph.model.object_keys import JOBS
from dicomorph.model.resources import ObjectRef
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import work_off

_OBJECTS = "objects"
_EARLIER = "deleted"  # where version 1 of the database had no outbox: what was deleted while any job lived


class Tidying:
    """Puts the files of a data folder in order.

    Parameters
    ----------
    backend : Backend
        Over this folder.
    data_dir : Path
        The data folder.
    """

    def __init__(self, backend: Backend, data_dir: Path) -> None:
        self._backend = backend
        self._root = str(data_dir.absolute())
        self._claims = Claims(backend.index, backend.jobs, backend.objects)

    def erase_what_is_due(self) -> None:
        """Work off the outbox, before jobs run; what living jobs have pinned stays."""
        with translated():
            self._adopt_earlier()
            self._check_pinned()
        work_off(self._backend, starting=True)

    def move_orphans(self, *, before: float, starting: bool = True) -> int:
        """Move files that nothing refers to, and never will, to ``orphans/``; return how many.

        Jobs may run, and uploads come in, meanwhile.

        Parameters
        ----------
        before : float
            The time in seconds; files that were written since are left alone.
        starting : bool
            As in `services.erasure.pins.pins_of_living`.
        """
        moved = 0
        with translated():
            for keys in chunks(chain(self._strange_documents(), self._keys(_OBJECTS))):
                for key in self._claims.unclaimed(keys, starting=starting):
                    if self._is_older(key, before):
                        moved += self._move(key, _OBJECTS, ORPHANS)
        return moved

    def _adopt_earlier(self) -> None:
        """Let the outbox name what an earlier version was about to erase."""
        earlier = [os.path.relpath(path, self._root) for path in siblings(f"{self._root}/{_EARLIER}")]
        for folder in (_EARLIER, *earlier):
            for keys in chunks(self._keys(folder)):
                held = self._claims.held(keys)
                self._backend.index.outbox.name([ObjectRef(key, "", 0) for key in keys])
                for key in keys:
                    self._move(key, folder, _OBJECTS if key in held else PINNED)
            with suppress(OSError):  # absent, a link, or something else is in it
                os.rmdir(f"{self._root}/{folder}")  # noqa: PTH106 - paths are text here

    def _check_pinned(self) -> None:
        """See that what waits for the end of a job is in the outbox: an older index may not say so."""
        for keys in chunks(self._keys(PINNED)):
            for key in self._claims.held(keys):
                self._move(key, PINNED, _OBJECTS)
            for key in self._claims.unclaimed(keys):
                self._move(key, PINNED, ORPHANS)

    def _strange_documents(self) -> Iterator[str]:
        """Yield the keys of the documents of jobs that are not known; they may hold values."""
        with suppress(*ABSENT):
            found = os.listdir(f"{self._root}/{_OBJECTS}/{JOBS}")  # noqa: PTH208
            known = {job.id for job in self._backend.jobs.all()}  # a record is older than its documents
            for name in found:
                if name not in known:
                    documents = files_below(f"{self._root}/{_OBJECTS}", f"{JOBS}{name}")
                    yield from filter(is_key, documents)

    def _keys(self, folder: str) -> Iterator[str]:
        return instance_keys(f"{self._root}/{folder}")

    def _is_older(self, key: str, before: float) -> bool:
        # By when it was written: the start itself changes files that were taken by a link, as it removes
        # their first names.
        with suppress(*ABSENT):
            return os.lstat(path_of(f"{self._root}/{_OBJECTS}", key)).st_mtime < before
        return False

    def _move(self, key: str, source: str, target: str) -> bool:
        path = path_of(f"{self._root}/{source}", key)
        with suppress(*ABSENT):  # gone meanwhile
            move_into(path, path_of(f"{self._root}/{target}", key))
            prune(path, f"{self._root}/{source}")
            return True
        return False
