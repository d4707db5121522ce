"""The instances to which a job gives new identifiers, read where references follow."""

from __future__ import annotations

from dicomorph.dicom.engine.moved_instances import MovedInstances, PackedInstances, Place
from dicomorph.jobs.model import Job
from dicomorph.jobs.moved_sources import MovedSources, moved_sources_key, read_moved_sources
from dicomorph.model.errors import InternalError
from dicomorph.services.backend import Backend


def moved_sources(backend: Backend, job: Job) -> MovedSources:
    """Return what was written.

    Raises
    ------
    InternalError
        If it is gone.
    """
    found = read_moved_sources(backend.objects.get(moved_sources_key(job)))
    if found is None:
        raise InternalError("The list of the job's instances is gone")
    return found


def has_moved_sources(backend: Backend, job: Job) -> bool:
    """Tell whether all is there that references need, if they follow."""
    document = backend.objects.get(moved_sources_key(job)) if job.follows_references else None
    return not job.follows_references or read_moved_sources(document) is not None


def moved_instances(job: Job, moved: MovedSources) -> MovedInstances:
    """Return the instances of a job as the engine looks them up."""
    places = [Place(*place) for place in moved.places]
    return MovedInstances(job.key, places, [PackedInstances(*copy) for copy in moved.copies])
