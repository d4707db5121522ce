"""Anonymize or modify one instance: the edited file is the answer, nothing is stored (spec 2.4)."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from contextlib import nullcontext

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.requests.embedded_images import embeds_image
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.rewriter import rewrite
from dicomorph.dicom.standard.transfer_syntaxes import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import ParameterOutOfRangeError, UnknownResourceError
from dicomorph.model.json_fields import read_boolean
from dicomorph.model.metadata_names import PIXEL_DATA_OFFSET, TRANSFER_SYNTAX
from dicomorph.model.object_keys import KEY_BYTES, TOKEN_BYTES, file_name, result_key
from dicomorph.model.resources import Json, Level, ObjectRef, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.browse.read_instance import LargeFile, answered_file, has_transfer_syntax
from dicomorph.services.damage import derived_crc32, opened
from dicomorph.services.fields import check_field_names
from dicomorph.services.server.allow_lists import allow_lists_of
from dicomorph.services.server.anonymized_names import next_anonymized_name
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.transcoding import (
    Transcoding,
    check_sop_instance_uid,
    decode_image,
    requested_transcoding,
    transcoded,
)

_LONG_HEADER = 1 << 20  # bytes; the edit of one takes some six times as much memory
_MOST_DEFLATED = 32  # times that a header may be shorter when it is deflated; more if it is hostile


def edit_instance(
    backend: Backend,
    body: Mapping[str, Json],
    *,
    instance_id: str,
    is_anonymization: bool,
) -> bytes | LargeFile:
    """Return an edited copy of an instance, which is converted before it is edited (spec 3.11).

    Parameters
    ----------
    body : Mapping[str, Json]
        The decoded body of the request.

    Raises
    ------
    BadRequestError, UnknownDicomTagError
        For faults in the request, which are looked for first (spec 2.4).
    UnknownResourceError
        If there is no such instance.
    CorruptedFileError
        If its file is damaged or missing.
    TranscodingError
        If it cannot be converted into the transfer syntax that is asked for.
    """
    check_field_names(body)
    read_boolean(body, "KeepLabels", default=False)  # of no effect here, and checked all the same
    settings = backend.settings
    modification = parse_modification(
        body,
        is_anonymization=is_anonymization,
        level=None,
        settings=settings,
        allow_lists=allow_lists_of(backend),
    )
    transcoding = requested_transcoding(body, settings, unknown=ParameterOutOfRangeError)
    if transcoding is not None and modification.retained_uids:
        check_sop_instance_uid(transcoding, modification)
    instance = backend.index.catalogue.get(Level.INSTANCE, instance_id)
    if instance is None or instance.object is None:
        raise UnknownResourceError
    name = next_anonymized_name(backend) if modification.needs_name else ""
    encoding = default_encoding(backend)
    embeds = embeds_image(modification.replaced_tags)
    with backend.in_turn if embeds or _has_long_header(instance) else nullcontext():
        if embeds:
            gc.collect()  # the image of the last one: plans refer to themselves
        plan = compile_plan(modification, name=name, settings=settings, decode_image=decode_image)
        # A fresh key: two requests must not give the same patient the same pseudonym.
        mapper = IdentityMapper(backend.new_token(KEY_BYTES), one_namespace=plan.one_namespace)
        with opened(backend, instance_id, instance.object) as source:
            if transcoding is None or has_transfer_syntax(instance, transcoding.transfer_syntax):
                script = rewrite(source, plan, mapper, default_encoding=encoding)
                return _result(backend, instance.object, source, script)
            converted = _converted(source, transcoding, instance.object, mapper)
            script = rewrite(converted, plan, mapper, default_encoding=encoding)
            return answered_file(backend, converted, script)


def _converted(
    source: Source, transcoding: Transcoding, ref: ObjectRef, mapper: IdentityMapper
) -> EditedSource:
    """Return a converted file: a lossy one is another instance, even if the request keeps SOPInstanceUID."""
    new_uid = mapper.uid(Namespace.INSTANCE, ref.key)
    return EditedSource(source, transcoded(source, transcoding, sop_instance_uid=new_uid))


def _has_long_header(instance: Resource) -> bool:
    """Tell whether a file may have so many elements that their edit takes much memory."""
    size = 0 if instance.object is None else instance.object.size
    syntax, pixels = (instance.metadata.get(name) for name in (TRANSFER_SYNTAX, PIXEL_DATA_OFFSET))
    if syntax is not None and syntax.value == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return size > _LONG_HEADER // _MOST_DEFLATED
    if pixels is not None and pixels.value.isdecimal():
        size = int(pixels.value)
    return size > _LONG_HEADER


def _result(backend: Backend, ref: ObjectRef, source: Source, script: EditScript) -> bytes | LargeFile:
    if script.size <= backend.largest_answer:
        return script.join(source)
    key = result_key(backend.new_token(TOKEN_BYTES), "dcm")
    crc32 = derived_crc32(ref, source, script, EditedSource(source, script))
    return LargeFile(
        backend.objects.put_answer(key, ref, script, opened=source, file_name=file_name(key), crc32=crc32)
    )
