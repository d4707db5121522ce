"""The identifiers of a job's products, before any of them is made: two must not become one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.identity import IDENTIFIERS
from dicomorph.dicom.engine.edit_plan import Action, EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    format_tag,
)
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Batch, Job
from dicomorph.model.errors import BadRequestError
from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.resources import LEVELS, Level, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.work.product import modification_of

_TAGS = {
    Level.PATIENT: PATIENT_ID,
    Level.STUDY: STUDY_INSTANCE_UID,
    Level.SERIES: SERIES_INSTANCE_UID,
    Level.INSTANCE: SOP_INSTANCE_UID,
}
_NAMESPACES = {
    Level.STUDY: Namespace.STUDY,
    Level.SERIES: Namespace.SERIES,
    Level.INSTANCE: Namespace.INSTANCE,
}
_AT_ONCE = 1_000  # sources whose identifiers are read together


def check_products(backend: Backend, job: Job, request: JobRequest, batches: Iterable[Batch]) -> None:
    """Refuse a job in which a product would take the place of another one, or of a source that goes.

    Where all identifiers are mapped, different sources cannot meet, and nothing is looked up.

    Parameters
    ----------
    batches : Iterable[Batch]
        May be gone through several times.

    Raises
    ------
    BadRequestError
        If two sources would become one product, or if sources are to be deleted and a product
        would have the identifier of one.
    """
    modification = modification_of(backend, job, request)
    named = modification.kept_tags | modification.replaced_tags.keys() | modification.removed_tags
    if IDENTIFIERS.isdisjoint(named):
        return
    plan = compile_plan(modification, name=job.name, settings=backend.settings)
    met: set[str] = set()
    for product in _products(backend, job, plan, batches):
        if product in met:
            raise BadRequestError("Two instances would become one; keep or replace fewer identifiers")
        met.add(product)
    sources = (pin.ancestry.instance for batch in batches for pin in batch.pins)
    if not job.keep_source and not met.isdisjoint(sources):
        raise BadRequestError("KeepSource must be true where products have the identifiers of sources")


def _products(backend: Backend, job: Job, plan: EditPlan, batches: Iterable[Batch]) -> Iterator[str]:
    originals = _Originals(backend)
    mappers: dict[int, IdentityMapper] = {}
    for pins in _chunks(batches):
        originals.read([pin for pin, _ in pins])
        for pin, copy in pins:
            mapper = mappers.setdefault(copy, IdentityMapper(job.key, copy=copy))
            yield orthanc_id(*(_new(plan, mapper, level, originals.of(pin, level)) for level in LEVELS))


def _chunks(batches: Iterable[Batch]) -> Iterator[list[tuple[Pin, int]]]:
    chunk: list[tuple[Pin, int]] = []
    for batch in batches:
        chunk += [(pin, batch.copies.get(index, 0)) for index, pin in enumerate(batch.pins)]
        if len(chunk) >= _AT_ONCE:
            yield chunk
            chunk = []
    yield chunk


def _new(plan: EditPlan, mapper: IdentityMapper, level: Level, original: str) -> str:
    """Return what becomes of an identifier."""
    tag = _TAGS[level]
    action = plan.root.rule(tag).action
    if action is Action.KEEP:
        return original
    if action is Action.REPLACE:
        value = plan.replace.get(tag)
        return value.rstrip(" \0") if isinstance(value, str) else ""
    if action is not Action.MAP:
        return ""
    original = original.strip(" \0")  # as `dicom.identity_editors` takes them
    return mapper.patient_id(original) if level is Level.PATIENT else mapper.uid(_NAMESPACES[level], original)


class _Originals:
    """The identifiers of sources; those of parents are remembered."""

    def __init__(self, backend: Backend) -> None:
        self._catalogue = backend.index.catalogue
        self._known: dict[Level, dict[str, str]] = {level: {} for level in LEVELS}

    def read(self, pins: Sequence[Pin]) -> None:
        """Read what is not known yet; forget the instances before."""
        self._known[Level.INSTANCE] = {}
        for level in LEVELS:
            known = self._known[level]
            unknown = {pin.ancestry.at(level) for pin in pins} - known.keys()
            for resource in self._catalogue.get_many(level, sorted(unknown)):
                known[resource.id] = resource.main_tags.get(format_tag(_TAGS[level]), "")

    def of(self, pin: Pin, level: Level) -> str:
        """Return an identifier; empty if the resource was deleted meanwhile."""
        return self._known[level].get(pin.ancestry.at(level), "")
