"""Editing one source of a job: the product is in the object store, its index entry is not written yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dicomorph.deid.compilation import SOFTWARE, compile_plan
from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import unknown_list
from dicomorph.deid.requests.embedded_images import ImageDecoder, unread_image
from dicomorph.deid.requests.modification import Modification, parse_modification
from dicomorph.deid.requests.study_changes import StudyChanges
from dicomorph.dicom.engine.destinations import NewIdentifiers, renames
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.moved_instances import MovedInstances
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.dicom.views.description import Description, describe
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Job, JobType
from dicomorph.model.errors import BadRequestError
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.json_fields import read_boolean
from dicomorph.model.metadata_names import ANONYMIZED_FROM, MODIFIED_FROM
from dicomorph.model.object_keys import exported_key, product_key
from dicomorph.model.resources import (
    LEVELS,
    Ancestry,
    InstanceEntry,
    Level,
    LevelFacts,
    ObjectRef,
    Pin,
)
from dicomorph.services.backend import Backend, Target
from dicomorph.services.damage import check_source, derived_crc32, opened
from dicomorph.services.entries import annotated_as, given_metadata, instance_entry
from dicomorph.services.transcoding import convert, decode_image
from dicomorph.services.work.converting import transcoding_of
from dicomorph.services.work.moved_sources import moved_instances, moved_sources
from dicomorph.services.work.source_labels import SourceLabels

_MIB = 1 << 20
_IN_MEMORY = 8 * _MIB  # beyond, the store copies ranges itself, and the product has no MD5


@dataclass(frozen=True, slots=True)
class PlannedProduct:
    """Where the source of a product stands in the plan of its job, and which copy of it the product is."""

    batch: int
    index: int
    copy: int = 0


class ProductMaker:
    """Makes products of one job.

    Parameters
    ----------
    job : Job
        Its key, name and encoding were decided at submission, so every invocation makes the
        same products.
    request : JobRequest
        As it was submitted, with the settings that shape bytes.

    Raises
    ------
    DicomorphError
        If the request cannot be read any more, because settings changed meanwhile.
    """

    def __init__(self, backend: Backend, job: Job, request: JobRequest) -> None:
        modification = modification_of(backend, job, request)
        self._plan = plan_of(backend, job, request, modification, decode_image=decode_image)
        self._transcoding = transcoding_of(job, request, request.settings_of_job(backend.settings))
        self._backend = backend
        self._job = job
        self._target = _target(backend, job)
        self._store = self._target.store if self._target else backend.objects
        # A third of the time that a CT image takes.
        self._is_compared = backend.settings.overwrite_instances.compares
        self._rewriters: dict[int, Rewriter] = {}
        self._moved_instances: MovedInstances | None = None  # read at the first reference
        self._origin = _origin(backend, job)
        # The time of the job, not of the invocation: a repeated one writes the same.
        self._metadata = given_metadata(
            datetime.fromisoformat(job.created), remote_ip=request.remote_ip, username=request.username
        )
        self._labels = (
            SourceLabels(backend) if read_boolean(request.body, "KeepLabels", default=False) else None
        )

    def make(self, pin: Pin, planned: PlannedProduct) -> InstanceEntry:
        """Write the product of a source and return its index entry.

        Raises
        ------
        DicomorphError
            If the source is gone or broken, or the product cannot be stored.
        """
        with opened(self._backend, pin.ancestry.instance, pin.object) as source:
            if not self._job.keep_source:  # while the bytes that were read are in the processor's cache
                check_source(self._backend.objects, pin.object, source)
            script = self._rewriter(planned.copy).rewrite(source)
            edited = self._edited(source, script)
            description, ancestry = self._describe(edited)
            self._check(pin, ancestry, source)
            key = self._key(ancestry, planned)
            conversion = convert(edited, description, self._transcoding)
            if conversion.untranscoded:  # it may be damaged
                check_source(self._backend.objects, pin.object, source)
            if conversion.script is None:
                ref, md5 = self._put(key, pin, source, script, edited)
            else:
                description, _ = self._describe(EditedSource(edited, conversion.script))
                ref, md5 = self._put_converted(key, edited, conversion.script)
            entry = self._entry(pin, description, ancestry, ref, md5)
            if script.remarks or script.flags or conversion.untranscoded:
                entry = replace(
                    entry,
                    remarks=script.remarks,
                    flags=script.flags,
                    untranscoded=conversion.untranscoded,
                )
            return entry

    def _rewriter(self, copy: int) -> Rewriter:
        rewriter = self._rewriters.get(copy)
        if rewriter is None:
            rewriter = Rewriter(
                self._plan,
                self._mapper(copy),
                default_encoding=self._job.default_encoding,
                destinations=self._destinations(copy),
            )
            self._rewriters[copy] = rewriter
        return rewriter

    def _mapper(self, copy: int) -> IdentityMapper:
        return IdentityMapper(self._job.key, copy=copy, one_namespace=self._plan.one_namespace)

    def _destinations(self, copy: int) -> NewIdentifiers | None:
        """Return where references lead that follow; None if they all stay."""
        if not self._job.follows_references or self._job.is_anonymization or not renames(self._plan):
            return None
        return NewIdentifiers(self._plan, self._mapper, copy, self._moved)

    def _moved(self) -> MovedInstances:
        if self._moved_instances is None:
            self._moved_instances = moved_instances(self._job, moved_sources(self._backend, self._job))
        return self._moved_instances

    def _edited(self, source: Source, script: EditScript) -> Source:
        """Return an edited file as it is read: in memory where it is small."""
        if script.size <= _IN_MEMORY:
            return BufferSource(script.join(source), self._backend.objects.scratch)
        return EditedSource(source, script)

    def _put(
        self, key: str, pin: Pin, source: Source, script: EditScript, edited: Source
    ) -> tuple[ObjectRef, str]:
        """Store an edited file; return where it is, and its MD5 if that is wanted and cheap."""
        crc32 = derived_crc32(pin.object, source, script, edited)
        if isinstance(edited, BufferSource):
            return self._put_small(key, edited.read(0, edited.size), crc32)
        if self._target is None:
            ref = self._backend.objects.put_edited(key, pin.object, script, crc32=crc32, opened=source)
            return ref, ""
        return self._store.put_script(key, source, script, crc32=crc32), ""

    def _put_converted(self, key: str, edited: Source, script: EditScript) -> tuple[ObjectRef, str]:
        """Do the same for a converted one, whose checksum does not follow from that of the source."""
        if script.size <= _IN_MEMORY:
            return self._put_small(key, b"".join(script.chunks(edited)), None)
        return self._store.put_script(key, edited, script), ""

    def _put_small(self, key: str, data: bytes, crc32: int | None) -> tuple[ObjectRef, str]:
        ref = self._store.put(key, data, crc32=crc32)
        return ref, hashlib.md5(data, usedforsecurity=False).hexdigest() if self._is_compared else ""

    def _check(self, pin: Pin, product: Ancestry, source: Source) -> None:
        """See that a source is what was stored whose product takes its place."""
        is_in_place = self._target is None and product.instance == pin.ancestry.instance
        if self._job.keep_source and is_in_place:
            check_source(self._backend.objects, pin.object, source)

    def _describe(self, source: Source) -> tuple[Description, Ancestry]:
        description = describe(source, default_encoding=self._job.default_encoding)
        return description, ancestry_of(description.identifiers)

    def _key(self, ancestry: Ancestry, planned: PlannedProduct) -> str:
        if self._target is not None:
            return exported_key(self._target.prefix, ancestry)
        return product_key(self._job.id, ancestry.instance, planned.batch, planned.index)

    def _entry(
        self, pin: Pin, description: Description, ancestry: Ancestry, ref: ObjectRef, md5: str
    ) -> InstanceEntry:
        entry = instance_entry(description, ancestry, ref, md5=md5, metadata=self._metadata)
        facts = {
            level: self._with_origin(level, entry.facts[level], pin.ancestry, ancestry) for level in LEVELS
        }
        labels = dict(self._labels.of(pin.ancestry)) if self._labels else {}
        entry = replace(entry, facts=facts, labels=labels)
        if pin.ancestry.instance != ancestry.instance:
            return entry
        kept = self._backend.index.catalogue.get(Level.INSTANCE, ancestry.instance)
        return replace(entry if kept is None else annotated_as(entry, kept), replaces=pin.object)

    def _with_origin(
        self, level: Level, facts: LevelFacts, source: Ancestry, product: Ancestry
    ) -> LevelFacts:
        """Add where a level comes from; a parent that stayed the same comes from nowhere (spec 1.4)."""
        if not self._origin or (level is not Level.INSTANCE and source.at(level) == product.at(level)):
            return facts
        return replace(facts, metadata={**facts.metadata, self._origin: source.at(level)})


def modification_of(backend: Backend, job: Job, request: JobRequest) -> Modification:
    """Return what a job changes in each instance; errors as in `parse_modification`."""
    if request.changes is not None:
        return StudyChanges.from_json(request.changes).modification()
    return parse_modification(
        request.body,
        is_anonymization=job.is_anonymization,
        level=job.level,
        settings=request.settings_of_job(backend.settings),
        allow_lists=partial(_allow_list_of_job, request),
    )


def _allow_list_of_job(request: JobRequest, name: str) -> AllowList:
    """Return a list as it was at submission."""
    if name not in request.allow_lists:
        raise unknown_list()
    return AllowList(name, request.allow_lists[name])


def plan_of(
    backend: Backend,
    job: Job,
    request: JobRequest,
    modification: Modification,
    *,
    decode_image: ImageDecoder = unread_image,
) -> EditPlan:
    """Return the plan of a job, which is the same whatever a restart or deployment has changed since.

    Parameters
    ----------
    decode_image : ImageDecoder
        Decodes an image that the request embeds; who writes no file needs none.
    """
    return compile_plan(
        modification,
        name=job.name,
        settings=request.settings_of_job(backend.settings),
        software=request.software or SOFTWARE,
        follows_references=job.follows_references,
        decode_image=decode_image,
    )


def _target(backend: Backend, job: Job) -> Target | None:
    if not job.target:
        return None
    if job.target not in backend.targets:
        raise BadRequestError("The target of the job is not configured any more")
    return backend.targets[job.target]


def _origin(backend: Backend, job: Job) -> str:
    """Return the metadata that links products to their sources; none where there is to be no link."""
    if job.type is not JobType.RESOURCE_MODIFICATION:
        return ""  # as in Orthanc (spec 4.1)
    if job.is_anonymization:
        return ANONYMIZED_FROM if backend.settings.store_anonymized_from else ""
    return MODIFIED_FROM
