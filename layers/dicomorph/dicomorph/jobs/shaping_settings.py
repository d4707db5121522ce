"""The settings that shape the bytes of a job's products, as its documents hold them.

They are written down when the job is submitted: whatever a restart or a deployment changes while it
runs, all its products are made by the same ones. What shapes no byte (whether the index replaces,
where targets lie, what is synced) is the operator's word of the moment, and is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dicomorph.jobs.strict_json import count, only
from dicomorph.model.resources import Json
from dicomorph.model.settings import PrivateTag, Settings, UnencodableText


def shaping_of(settings: Settings) -> dict[str, Any]:
    """Return the settings that shape bytes, by the attributes of `Settings`."""
    return {name: getattr(settings, name) for name in _FORMS}


def of_earlier_versions(settings: Settings) -> dict[str, Any]:
    """Return what held for jobs of versions that wrote none of this down, as far as it has changed since."""
    return {"default_dicom_version": settings.default_dicom_version or "2023b"}


def encode_shaping(shaping: Mapping[str, Any]) -> dict[str, Json]:
    """Return them as JSON."""
    return {name: _FORMS[name][0](value) for name, value in shaping.items()}


def decode_shaping(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return them from JSON; those that this version does not know are left out.

    Raises
    ------
    LookupError, TypeError, ValueError
        If one is not what it must be (`jobs.strict_json`).
    """
    return {name: read(document[name]) for name, (_, read) in _FORMS.items() if name in document}


def _write_dictionary(entries: tuple[PrivateTag, ...]) -> Json:
    return [[entry.tag, entry.vr, entry.name, entry.creator] for entry in entries]


def _read_dictionary(entries: Any) -> tuple[PrivateTag, ...]:
    return tuple(
        PrivateTag(count(tag), only(str, vr), only(str, name), only(str, creator))
        for tag, vr, name, creator in only(list, entries)
    )


def _text(value: Any) -> str:
    return only(str, value)


_FORMS: Final[Mapping[str, tuple[Callable[[Any], Json], Callable[[Any], Any]]]] = {
    "default_dicom_version": (_text, _text),
    "default_private_creator": (_text, _text),
    "dicom_lossy_transcoding_quality": (int, count),
    "dictionary": (_write_dictionary, _read_dictionary),
    "ingest_transcoding": (_text, _text),
    "refuse_burned_in": (bool, lambda value: only(bool, value)),
    "unencodable_text": (lambda choice: str(choice.value), UnencodableText),
}
