"""What refers to files: entries of the index, jobs that have not ended, deletions under way."""

from __future__ import annotations

from collections.abc import Iterable

from dicomorph.model.object_keys import job_of, product_of
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.versions import StoredVersion
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.pins import pins_of
from dicomorph.services.erasure.records import erasures_at


def without_entry(backend: Backend, versions: Iterable[StoredVersion]) -> list[StoredVersion]:
    """Return those files whose keys no entry of the index has; read as it was last written."""
    files = list(versions)
    ids = list(dict.fromkeys(product_of(file.key) for file in files))
    held = {pin.object.key for pin in backend.index.catalogue.pins_of(ids)} if ids else set()
    return [file for file in files if file.key not in held]


class OfJobs:
    """Which files the jobs need that have not ended.

    It must be made after it was seen that files have no entry: from then on, no job can pin them.
    """

    def __init__(self, backend: Backend) -> None:
        living = [job for job in backend.jobs.all() if not job.state.is_final]
        self._ids = {job.id for job in living}
        self._pins = pins_of(backend.objects, living, starting=False, side_by_side=backend.side_by_side)

    def unneeded(self, versions: Iterable[StoredVersion]) -> list[StoredVersion]:
        """Return the files that are neither pinned by such a job nor a product of one."""
        others = [file for file in versions if job_of(file.key) not in self._ids]
        pinned = {ref.key for ref in self._pins.among(ObjectRef(file.key, "", 0) for file in others)}
        return [file for file in others if file.key not in pinned]


def is_deleting(backend: Backend) -> bool:
    """Tell whether a deletion is under way, whose files have lost their entries and are to be readable."""
    return next(erasures_at(backend.objects), None) is not None
