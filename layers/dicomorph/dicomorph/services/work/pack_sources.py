"""Writing down to which instances a job gives new identifiers, when it is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dicomorph.dicom.engine.edit_plan import Action
from dicomorph.dicom.engine.moved_instances import Packing, Place
from dicomorph.dicom.standard.tags import (
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    format_tag,
)
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Batch, Job, JobType
from dicomorph.jobs.moved_sources import (
    MovedSources,
    encode_moved_sources,
    moved_sources_key,
)
from dicomorph.model.resources import Level, ObjectRef, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.work.product import modification_of, plan_of

_UIDS = {
    Level.STUDY: STUDY_INSTANCE_UID,
    Level.SERIES: SERIES_INSTANCE_UID,
    Level.INSTANCE: SOP_INSTANCE_UID,
}
_AT_ONCE = 1_000  # sources whose identifiers are read together
_MOST_PATIENTS = 1_000


def write_moved_sources(
    backend: Backend, job: Job, request: JobRequest, batches: Iterable[Batch]
) -> list[ObjectRef]:
    """Write down which instances the batches of a job have, if references are to follow them."""
    if not job.follows_references:
        return []
    modification = modification_of(backend, job, request)
    plan = plan_of(backend, job, request, modification)
    renamed = tuple(
        level.value for level, tag in _UIDS.items() if plan.root.rule(tag).action is not Action.KEEP
    )
    packing = _SourcePacking(backend, job.key)
    if renamed:
        for chunk in _chunks(batches):
            packing.add(chunk)
    moved = MovedSources(
        renamed=renamed,
        places=tuple(packing.places),
        copies=tuple(copy.packed() for copy in packing.copies),
        parted=() if job.keep_source else tuple(_parted(backend, job, request)),
    )
    return [backend.objects.put(moved_sources_key(job), encode_moved_sources(moved))]


class _SourcePacking:
    """Packs sources, chunk by chunk; of those before, there are but hashes."""

    def __init__(self, backend: Backend, key: bytes) -> None:
        self._catalogue = backend.index.catalogue
        self._key = key
        self._numbers: dict[str, int] = {}  # of the series, by their Orthanc ids
        self._studies: dict[str, str] = {}
        self.places: list[Place] = []
        self.copies: list[Packing] = []

    def add(self, chunk: Sequence[tuple[Pin, int]]) -> None:
        """Add sources, each with the number of its copy."""
        pins = {pin.ancestry.instance: pin for pin, _ in chunk}
        uids = self._uids(Level.INSTANCE, pins)
        self._add_places(pins.values())
        for pin, copy in chunk:
            uid = uids.get(pin.ancestry.instance)
            if uid is None:  # deleted meanwhile
                continue
            while len(self.copies) <= copy:
                self.copies.append(Packing(self._key))
            self.copies[copy].add(uid, self._numbers[pin.ancestry.series])

    def _add_places(self, pins: Iterable[Pin]) -> None:
        series = {pin.ancestry.series: pin.ancestry.study for pin in pins}
        new = series.keys() - self._numbers.keys()
        unknown = {series[one] for one in new} - self._studies.keys()
        self._studies |= self._uids(Level.STUDY, unknown)
        uids = self._uids(Level.SERIES, new)
        for one in sorted(new):
            self._numbers[one] = len(self.places)
            self.places.append(Place(self._studies.get(series[one], ""), uids.get(one, "")))

    def _uids(self, level: Level, resource_ids: Iterable[str]) -> dict[str, str]:
        tag = format_tag(_UIDS[level])
        found = self._catalogue.get_many(level, sorted(resource_ids))
        return {resource.id: resource.main_tags.get(tag, "") for resource in found}


def _chunks(batches: Iterable[Batch]) -> Iterator[list[tuple[Pin, int]]]:
    chunk: list[tuple[Pin, int]] = []
    for batch in batches:
        chunk += ((pin, batch.copies.get(index, 0)) for index, pin in enumerate(batch.pins))
        if len(chunk) >= _AT_ONCE:
            yield chunk
            chunk = []
    yield chunk


def _parted(backend: Backend, job: Job, request: JobRequest) -> list[str]:
    """Return the studies in which something may stay that refers to a source.

    These are the studies of which the request names a series or an instance, the others of the
    same patients, and the one into which a job merges. Patients beyond the first thousand are
    left out: each costs a look-up.
    """
    catalogue = backend.index.catalogue
    studies: set[str] = set()
    whole: dict[str, str] = {}  # and the patients that they belong to
    for start in range(0, len(request.sources), _AT_ONCE):
        named = list(catalogue.find_many(request.sources[start : start + _AT_ONCE]))
        parents = {found.parent or "" for found in named if found.level is Level.INSTANCE}
        series = catalogue.get_many(Level.SERIES, sorted(parents))
        parts = (*series, *(found for found in named if found.level is Level.SERIES))
        studies.update(found.parent for found in parts if found.parent)
        whole |= {found.id: found.parent or "" for found in named if found.level is Level.STUDY}
    held = catalogue.get_many(Level.STUDY, sorted(studies - whole.keys()))
    patients = {*whole.values(), *(found.parent or "" for found in held)}
    for patient in sorted(patients)[:_MOST_PATIENTS]:
        studies.update(catalogue.children(Level.PATIENT, patient))
    target = job.content.get("TargetStudy")
    if job.type is JobType.MERGE_STUDY and isinstance(target, str):
        studies.add(target)
    return sorted(studies - whole.keys())
