"""What must be on the disk before something else goes (embedded; AWS keeps all it acknowledged)."""

from __future__ import annotations

from dicomorph.jobs.model import Job
from dicomorph.services.backend import Backend


def must_last(backend: Backend, job: Job) -> bool:
    """Tell whether what a job writes must survive a power cut before the job goes on.

    Setting ``SyncStorageArea`` says so for everything. Without it, only what takes the place
    of something does: where sources are deleted, or the index may replace what it holds.
    """
    settings = backend.settings
    overwrites = settings.overwrite_instances.replaces
    return settings.sync_storage_area or not job.keep_source or overwrites
