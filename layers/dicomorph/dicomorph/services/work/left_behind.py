"""What stays behind when a job takes instances out of a study, and refers to them still."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from dicomorph.dicom.engine.destinations import Destination, Destinations
from dicomorph.dicom.engine.lost_references import would_change
from dicomorph.dicom.engine.moved_instances import MovedInstances, Place
from dicomorph.dicom.engine.reference_editor import ReferenceEditor
from dicomorph.dicom.standard.tags import SERIES_INSTANCE_UID, STUDY_INSTANCE_UID, format_tag
from dicomorph.jobs.model import InstanceOutcome, Job
from dicomorph.jobs.moved_sources import MovedSources
from dicomorph.model.errors import BadFileFormatError, CorruptedFileError, UnknownResourceError
from dicomorph.model.resources import Level, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.work.job_watch import JobWatch
from dicomorph.services.work.moved_sources import moved_instances, moved_sources
from dicomorph.services.work.outcomes import JobOutcomes

_UIDS = {Level.STUDY: STUDY_INSTANCE_UID, Level.SERIES: SERIES_INSTANCE_UID}
_AT_ONCE = 1_000
_READERS = 16  # a file on S3 takes tens of milliseconds to come
_MOST = 50_000  # files; finalization has a quarter of an hour for all that it does


def count_dangling(backend: Backend, job: Job, outcomes: JobOutcomes) -> int:
    """Return how many instances stay with the patients of the sources, and refer to sources that go.

    No more than 50,000 instances are looked at.
    """
    if not job.follows_references or job.is_anonymization:
        return 0
    moved = moved_sources(backend, job)
    if not moved.parted or not moved.renamed:
        return 0
    staying = list(islice(_staying(backend, moved, outcomes), _MOST))
    editor = ReferenceEditor(_lost(backend, job, moved, staying))
    return sum(_refer(backend, job, editor, staying))


def _staying(backend: Backend, moved: MovedSources, outcomes: Iterable[InstanceOutcome]) -> Iterator[Pin]:
    parted = frozenset(moved.parted)
    touched = {
        pin.ancestry.instance
        for outcome in outcomes
        for pin in (outcome.source, outcome.product)
        if pin is not None and pin.ancestry.study in parted
    }
    for study in moved.parted:
        for pin in backend.index.catalogue.pins(Level.STUDY, study):
            if pin.ancestry.instance not in touched:
                yield pin


def _lost(backend: Backend, job: Job, moved: MovedSources, staying: list[Pin]) -> Destinations:
    instances = moved_instances(job, moved)
    series = _uids(backend, Level.SERIES, {pin.ancestry.series for pin in staying})
    studies = _uids(backend, Level.STUDY, {pin.ancestry.study for pin in staying})
    return _Lost(
        instances,
        frozenset(moved.renamed),
        frozenset(instances.series) - series,
        frozenset(study for study, _ in moved.places) - studies,
    )


def _uids(backend: Backend, level: Level, resource_ids: Collection[str]) -> frozenset[str]:
    """Return how resources are called in DICOM."""
    tag = format_tag(_UIDS[level])
    found = backend.index.catalogue.get_many(level, sorted(resource_ids))
    return frozenset(resource.main_tags.get(tag, "") for resource in found)


def _refer(backend: Backend, job: Job, editor: ReferenceEditor, pins: list[Pin]) -> Iterator[bool]:
    """Yield for each instance whether it refers to what is lost, until the job is stopped."""
    watch = JobWatch(backend, job)
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(pins), _AT_ONCE):
            if watch.is_stopped():
                return
            some = pins[start : start + _AT_ONCE]
            yield from readers.map(lambda pin: _refers(backend, editor, pin), some)


def _refers(backend: Backend, editor: ReferenceEditor, pin: Pin) -> bool:
    try:
        with closing(backend.objects.open(pin.object)) as source:
            return would_change(source, editor)
    except (UnknownResourceError, CorruptedFileError, BadFileFormatError, struct.error, IndexError):
        return False  # deleted meanwhile, or damaged: then it refers to nothing


class _Lost:
    """What is not found any more under the identifiers that it had (`Destinations`)."""

    def __init__(
        self,
        moved: MovedInstances,
        renamed: frozenset[str],
        series: frozenset[str],
        studies: frozenset[str],
    ) -> None:
        self._moved = moved
        self._renamed = renamed
        self._series = series
        self._studies = studies

    def of_instance(self, uid: str, stated: Place) -> Destination | None:
        """Return identifiers that differ where the job gives new ones."""
        place = self._moved.place_of(uid, stated)
        if place is None:
            return None
        lost = Place(self._other(Level.STUDY, place.study), self._other(Level.SERIES, place.series))
        return Destination(lost, self._other(Level.INSTANCE, uid))

    def of_series(self, uid: str, stated_study: str) -> Place | None:
        """Return identifiers that differ if nothing of a series stays."""
        if uid not in self._series:
            return None
        place = self._moved.place_of_series(uid, stated_study)
        return place and Place(self._other(Level.STUDY, place.study), self._other(Level.SERIES, uid))

    def of_study(self, uid: str) -> str | None:
        """Return another identifier if nothing of a study stays."""
        return self._other(Level.STUDY, uid) if uid in self._studies else None

    def _other(self, level: Level, uid: str) -> str:
        return f"{uid}*" if level.value in self._renamed else uid
