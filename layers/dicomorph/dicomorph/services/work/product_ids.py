"""The identifiers of a job's products, before any of them is made: two must not become one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing

from dicomorph.deid.identity import IDENTIFIERS
from dicomorph.dicom.engine.edit_plan import Action, EditPlan
from dicomorph.dicom.engine.identity_editors import IdentityEditors, Writing
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import rewrite
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    SPECIFIC_CHARACTER_SET,
    STUDY_INSTANCE_UID,
    format_tag,
)
from dicomorph.dicom.stream.edit_script import EditedSource
from dicomorph.dicom.stream.elements import IMPLICIT_LITTLE
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.views.description import describe
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Batch, Job
from dicomorph.model.errors import BadRequestError, DicomorphError, TransientError
from dicomorph.model.identifiers import ancestry_of, orthanc_id
from dicomorph.model.object_keys import is_product_key
from dicomorph.model.resources import LEVELS, Level, Pin
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.backend import Backend
from dicomorph.services.work.product import modification_of, plan_of

_TAGS = {
    Level.PATIENT: PATIENT_ID,
    Level.STUDY: STUDY_INSTANCE_UID,
    Level.SERIES: SERIES_INSTANCE_UID,
    Level.INSTANCE: SOP_INSTANCE_UID,
}
_AT_ONCE = 1_000  # sources whose identifiers are read together
_UTF8 = CharacterSet.of("ISO_IR 192", default_encoding="Utf8")
_WRITING = Writing(IMPLICIT_LITTLE, _UTF8, _UTF8)
_HEADER_BYTES = 8


def check_products(
    backend: Backend, job: Job, request: JobRequest, batches: Iterable[Batch], patients: Collection[str]
) -> None:
    """Refuse a job in which a product would take the place of another one, or of a source that goes.

    Where the request names no identifier, different sources do not meet, unless their patients may
    (`_stay_apart`). Then no source is looked up.

    Parameters
    ----------
    batches : Iterable[Batch]
        May be gone through several times.
    patients : Collection[str]
        The Orthanc ids of the patients of all sources, each once.

    Raises
    ------
    BadRequestError
        If two sources would become one product, if sources are to be deleted and a product would
        have the identifier of one, or if a stored instance has the identifiers of a product and
        stays, so that the product would not be written.
    """
    modification = modification_of(backend, job, request)
    named = modification.kept_tags | modification.replaced_tags.keys() | modification.removed_tags
    named |= modification.retained_uids
    plan = plan_of(backend, job, request, modification)
    if IDENTIFIERS.isdisjoint(named) and _stay_apart(backend, plan, patients):
        return
    met: set[str] = set()
    certain: set[str] = set()
    for product in product_ids(backend, job, plan, batches):
        if not met.isdisjoint(product):
            raise BadRequestError("Two instances would become one; keep or replace fewer identifiers")
        met |= product
        certain |= product if len(product) == 1 else set()
    sources = (pin.ancestry.instance for batch in batches for pin in batch.pins)
    if not job.keep_source and not met.isdisjoint(sources):
        raise BadRequestError("KeepSource must be true where products have the identifiers of sources")
    if SOP_INSTANCE_UID in named:  # a new one, nobody has
        _refuse_stored(backend, job, sorted(certain))


def _refuse_stored(backend: Backend, job: Job, products: Sequence[str]) -> None:
    """Refuse a job whose products would not be written: others are in their place, and stay there."""
    if job.target or backend.settings.overwrite_instances is not OverwriteInstances.NEVER:
        return
    for start in range(0, len(products), _AT_ONCE):
        some = products[start : start + _AT_ONCE]
        held = [pin.object.key for pin in backend.index.catalogue.pins_of(some)]
        # An earlier plan of this job, which a power cut took, may have made some.
        if not all(is_product_key(key, job.id) for key in held):
            raise BadRequestError(
                "Instances with the identifiers of the products are stored already: replace or keep "
                "fewer identifiers, or change the setting OverwriteInstances"
            )


def _stay_apart(backend: Backend, plan: EditPlan, patients: Collection[str]) -> bool:
    """Tell whether the patients of a request that does not name PatientID surely stay different ones.

    They may not where they differ by leading spaces alone, which count (spec 1.2) but are mapped
    alike, or where other characters get another SpecificCharacterSet.
    """
    if len(patients) <= 1:
        return True
    found = backend.index.catalogue.get_many(Level.PATIENT, sorted(patients))
    names = [patient.main_tags.get(format_tag(PATIENT_ID), "").strip(" \0") for patient in found]
    return len(names) == len(set(names)) and ("".join(names).isascii() or not _relabels(plan))


def _relabels(plan: EditPlan) -> bool:
    return plan.root.rule(SPECIFIC_CHARACTER_SET).action is not Action.KEEP


def product_ids(backend: Backend, job: Job, plan: EditPlan, batches: Iterable[Batch]) -> Iterator[set[str]]:
    """Yield the Orthanc id of the product of each source.

    There is none where the source is gone or cannot be edited. There are two where PatientID is
    mapped, and empty or absent in the source: the index takes both for the same patient, but an
    absent one stays so (spec 8, G4) where the plan does not require one.
    """
    originals = _Originals(backend)
    products = _Products(backend, job, plan)
    for pins in _chunks(batches):
        originals.read([pin for pin, _ in pins])
        for pin, copy in pins:
            yield products.of(pin, copy, originals.of(pin))


def _chunks(batches: Iterable[Batch]) -> Iterator[list[tuple[Pin, int]]]:
    chunk: list[tuple[Pin, int]] = []
    for batch in batches:
        chunk += [(pin, batch.copies.get(index, 0)) for index, pin in enumerate(batch.pins)]
        if len(chunk) >= _AT_ONCE:
            yield chunk
            chunk = []
    yield chunk


class _Products:
    """The ids of products, from the identifiers of their sources."""

    def __init__(self, backend: Backend, job: Job, plan: EditPlan) -> None:
        self._objects = backend.objects
        self._job = job
        self._plan = plan
        self._relabels = _relabels(plan)
        self._maps_patients = plan.root.rule(PATIENT_ID).action is Action.MAP
        self._edits: dict[int, _Edits] = {}

    def of(self, pin: Pin, copy: int, originals: Sequence[str]) -> set[str]:
        patient, *uids = originals
        if not all(uids):
            return set()
        # The index has text. What becomes of such characters depends on the bytes in the file.
        if not "".join(uids).isascii() or (self._relabels and not patient.isascii()):
            return self._made(pin, copy)
        if copy not in self._edits:
            self._edits[copy] = _Edits(self._plan, self._mapper(copy))
        edits = self._edits[copy]
        found = [edits[tag, original] for tag, original in zip(_TAGS.values(), originals, strict=True)]
        patients = {found[0]}
        if self._maps_patients and not patient:  # empty, or absent and maybe so it stays
            patients = {self._mapper(copy).patient_id_of_study(uids[0].strip(" \0"))}
            patients |= set() if PATIENT_ID in self._plan.required else {""}
        return {orthanc_id(one, *found[1:]) for one in patients}

    def _made(self, pin: Pin, copy: int) -> set[str]:
        """Return the id of a product that is made and thrown away."""
        encoding = self._job.default_encoding
        try:
            with closing(self._objects.open(pin.object)) as source:
                script = rewrite(source, self._plan, self._mapper(copy), default_encoding=encoding)
                description = describe(EditedSource(source, script), default_encoding=encoding)
        except TransientError:
            raise
        except DicomorphError:
            return set()
        return {ancestry_of(description.identifiers).instance}

    def _mapper(self, copy: int) -> IdentityMapper:
        return IdentityMapper(self._job.key, copy=copy, one_namespace=self._plan.one_namespace)


class _Edits(dict[tuple[int, str], str]):
    """What becomes of each identifier, by its tag and the original: written as into a product, and read."""

    def __init__(self, plan: EditPlan, mapper: IdentityMapper) -> None:
        super().__init__()
        self._plan = plan
        self._editors = IdentityEditors(mapper, {}, plan.encoder)

    def __missing__(self, key: tuple[int, str]) -> str:
        tag, original = key
        rule = self._plan.root.rule(tag)
        if rule.action is Action.KEEP:
            return original
        element = b""
        if rule.action is Action.REPLACE:
            element = self._plan.encoder.element(tag, self._plan.replace[tag], IMPLICIT_LITTLE, _UTF8)
        elif rule.action is Action.MAP and rule.namespace is not None:
            edit = self._editors.editor(_WRITING, tag, b"", rule.namespace)
            element = edit(IMPLICIT_LITTLE.element(tag, b"", original.encode()))
        new = element[_HEADER_BYTES:].decode("utf-8", "ignore").rstrip(" \0")
        if tag != SOP_INSTANCE_UID:  # those of parents come again
            self[key] = new
        return new


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

    def of(self, pin: Pin) -> list[str]:
        """Return the identifiers, level by level; they are empty where a resource is gone."""
        return [self._known[level].get(pin.ancestry.at(level), "") for level in LEVELS]
