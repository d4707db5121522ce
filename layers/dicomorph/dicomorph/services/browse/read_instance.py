"""Read the file of one instance: whole, or as the JSON of its tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.json_text import JsonText, Shown
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.metadata_names import TRANSFER_SYNTAX
from dicomorph.model.object_keys import TOKEN_BYTES, file_name, result_key
from dicomorph.model.resources import Json, Level, ObjectRef, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.damage import missing_files_told, opened
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.transcoding import Transcoding, transcoded, uid_of_download

LARGEST_TEXT = 6_000_000
"""Bytes of a text answer as Lambda passes it on, as a JSON string: 6 MB less the rest of the answer."""


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file that an answer cannot hold.

    Parameters
    ----------
    url : str
        From which the client can fetch it for a short time.
    """

    url: str


def read_instance(
    backend: Backend, instance_id: str, *, file_name: str, transcoding: Transcoding | None = None
) -> bytes | LargeFile:
    """Return the file of an instance.

    Parameters
    ----------
    file_name : str
        What a large file is called where it is fetched.
    transcoding : Transcoding, optional
        What it is converted into, unless it has this transfer syntax. A lossy copy is another instance.

    Raises
    ------
    UnknownResourceError
        If there is no such instance.
    CorruptedFileError
        If its file is damaged or missing.
    TranscodingError
        If it cannot be converted.
    """
    instance, ref = _stored(backend, instance_id)
    if transcoding is not None and not has_transfer_syntax(instance, transcoding.transfer_syntax):
        with opened(backend, instance_id, ref) as source:
            new_uid = uid_of_download(ref, transcoding)
            script = transcoded(source, transcoding, sop_instance_uid=new_uid)
            return answered_file(backend, source, script, name=file_name)
    if ref.size > backend.largest_answer:
        with missing_files_told(backend, instance_id, ref):
            return LargeFile(backend.objects.link(ref, file_name=file_name))
    with opened(backend, instance_id, ref) as source:
        return source.read(0, ref.size)


def has_transfer_syntax(instance: Resource, transfer_syntax: str) -> bool:
    """Tell whether the file of an instance has a transfer syntax."""
    stored = instance.metadata.get(TRANSFER_SYNTAX)
    return stored is not None and stored.value == transfer_syntax


def answered_file(
    backend: Backend, source: Source, script: EditScript, *, name: str = ""
) -> bytes | LargeFile:
    """Return what a script makes of a file; stored for a while, where an answer has no room for it.

    Parameters
    ----------
    name : str
        What it is called where it is fetched; by default, what it is stored as.
    """
    if script.size <= backend.largest_answer:
        return b"".join(script.chunks(source))
    key = result_key(backend.new_token(TOKEN_BYTES), "dcm")
    result = backend.objects.put_script(key, source, script)
    return LargeFile(backend.objects.link(result, file_name=name or file_name(key)))


def read_tags(
    backend: Backend,
    instance_id: str,
    form: TagsForm,
    *,
    ignore_length: Sequence[str] = (),
    whole: bool = False,
) -> dict[str, Json] | bytes | LargeFile:
    """Return the tags of an instance (spec 2.7): many of them as JSON text, or as a file of it.

    Parameters
    ----------
    ignore_length : Sequence[str]
        Names of tags whose values are shown however long they are.
    whole : bool
        Whether to show what stands behind the pixel data too.

    Raises
    ------
    UnknownDicomTagError
        For a misspelled name.
    UnknownResourceError
        If there is no such instance.
    CorruptedFileError
        If its file is damaged or missing.
    """
    names = TagNames(backend.settings.dictionary)
    unlimited = frozenset(names.path(name).tag for name in ignore_length)
    _, ref = _stored(backend, instance_id)
    text = JsonText(backend.objects.scratch)
    try:
        with opened(backend, instance_id, ref) as source:
            shown = dataset_json(
                source,
                form=form,
                default_encoding=default_encoding(backend),
                private=backend.settings.dictionary,
                ignore_length=unlimited,
                whole=whole,
                text=text,
                in_turn=backend.in_turn,
            )
        return _result(backend, *text.finish(cast("Shown", shown))) if text.is_used else shown
    finally:
        text.close()


def _result(backend: Backend, source: Source, script: EditScript) -> bytes | LargeFile:
    """Return a text, or store it where an answer has no room for it."""
    try:
        if script.size <= LARGEST_TEXT:
            return script.join(source)
        key = result_key(backend.new_token(TOKEN_BYTES), "json")
        stored = backend.objects.put_script(key, source, script)
        return LargeFile(backend.objects.link(stored, file_name=file_name(key)))
    finally:
        source.close()


def _stored(backend: Backend, instance_id: str) -> tuple[Resource, ObjectRef]:
    """Return an instance and where its file lies; errors as in `read_instance`."""
    instance = backend.index.catalogue.get(Level.INSTANCE, instance_id)
    if instance is None or instance.object is None:
        raise UnknownResourceError
    return instance, instance.object
