"""Answers that are DICOM files: in the answer where they fit, else by their address."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.http.reading.requests import Request
from dicomorph.http.reading.tag_forms import tag_options
from dicomorph.http.resolver import OrthancResolver
from dicomorph.http.responses import (
    dicom_answer,
    dicom_elsewhere,
    json_answer,
    json_elsewhere,
    json_text_answer,
)
from dicomorph.services.backend import Backend
from dicomorph.services.browse.read_instance import LargeFile, read_instance, read_tags
from dicomorph.services.edit.edit_instance import edit_instance
from dicomorph.services.transcoding import transcoding_of_arguments


def answer_with_edited_instance(
    app: OrthancResolver, backend: Backend, instance_id: str, *, is_anonymization: bool
) -> Response[Any]:
    """Answer with an edited copy of an instance; it has no name, as in Orthanc."""
    result = edit_instance(
        backend,
        app.incoming.json_object(),
        instance_id=instance_id,
        is_anonymization=is_anonymization,
    )
    return _dicom(result)


def answer_with_instance(backend: Backend, instance_id: str, request: Request) -> Response[Any]:
    """Answer with the file of an instance, as a download, in the transfer syntax that is asked for."""
    name = f"{instance_id}.dcm"
    transcoding = transcoding_of_arguments(
        request.argument("transcode"), request.argument("lossy-quality"), backend.settings
    )
    found = read_instance(backend, instance_id, file_name=name, transcoding=transcoding)
    return _dicom(found, file_name=name)


def answer_with_tags(backend: Backend, instance_id: str, form: TagsForm, request: Request) -> Response[Any]:
    """Answer with the tags of an instance, or with where they are if they are too many."""
    found = read_tags(backend, instance_id, form, **tag_options(request))
    if isinstance(found, dict):
        return json_answer(found)
    if isinstance(found, LargeFile):
        return json_elsewhere(found.url)
    return json_text_answer(found.decode("utf-8", "surrogatepass"))


def _dicom(file: bytes | LargeFile, *, file_name: str = "") -> Response[Any]:
    if isinstance(file, LargeFile):
        return dicom_elsewhere(file.url, file_name=file_name)
    return dicom_answer(file, file_name=file_name)
