"""Which files of a data folder somebody still refers to: an entry, an order to erase, a job that lives."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from itertools import islice

from dicomorph.embedded.objects.folders import files_below, is_key
from dicomorph.model.object_keys import INSTANCES, JOBS, is_instance_key, job_of, product_of
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.index import Index
from dicomorph.ports.jobs import JobRecords
from dicomorph.services.erasure.pins import Documents, pins_of

_AT_ONCE = 1000


class Claims:
    """Tells files that nothing refers to from all others; it only reads.

    Parameters
    ----------
    index : Index
        Of this folder.
    jobs : JobRecords
        Likewise.
    documents : Documents
        Those of the jobs.
    """

    def __init__(self, index: Index, jobs: JobRecords, documents: Documents) -> None:
        self._index = index
        self._jobs = jobs
        self._documents = documents

    def held(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of all versions that entries of these instances refer to."""
        ids = list(dict.fromkeys(product_of(key) for key in keys))
        return {pin.object.key for pin in self._index.catalogue.pins_of(ids)} if ids else set()

    def unclaimed(self, keys: list[str], *, starting: bool = True) -> list[str]:
        """Return those of some files that no entry, job or order to erase refers to.

        Documents of jobs among them are returned as they are: whose job is known, is not asked here.

        Parameters
        ----------
        starting : bool
            As in `services.erasure.pins.pins_of_living`.
        """
        versions = [key for key in keys if is_instance_key(key)]
        held = self.held(versions)
        strays = [key for key in versions if key not in held]
        documents = [key for key in keys if key.startswith(JOBS)]
        if not strays:
            return documents
        named = self._named()
        living = [job for job in self._jobs.all() if not job.state.is_final]
        ids = {job.id for job in living}
        pins = pins_of(self._documents, living, starting=starting)
        pinned = {ref.key for ref in pins.among(ObjectRef(key, "", 0) for key in strays)}
        orphans = [key for key in strays if key not in named and key not in pinned and job_of(key) not in ids]
        # Once more: a job may have brought its product in, and ended, since the entries were looked at.
        held = self.held(orphans)
        return documents + [key for key in orphans if key not in held]

    def _named(self) -> set[str]:
        named: set[str] = set()
        after = ""
        while refs := self._index.outbox.waiting(after=after, limit=_AT_ONCE):
            named.update(ref.key for ref in refs)
            after = refs[-1].key
        return named


def instance_keys(root: str, *, completely: bool = False) -> Iterator[str]:
    """Yield the keys of all versions of instances below a folder; no link is followed.

    Parameters
    ----------
    completely : bool
        Whether all of them must be seen, as in `files_below`.
    """
    if os.path.islink(root):  # noqa: PTH114 - paths are text here
        if completely:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), root)
        return
    found = files_below(root, INSTANCES.rstrip("/"), completely=completely)
    yield from (key for key in found if is_instance_key(key) and is_key(key))


def chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield keys, some at a time."""
    waiting = iter(keys)
    while chunk := list(islice(waiting, _AT_ONCE)):
        yield chunk
