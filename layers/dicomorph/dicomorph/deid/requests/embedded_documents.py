"""What Orthanc writes beside a document that a request embeds (spec 3.4)."""

from __future__ import annotations

from typing import Final, NamedTuple

from dicomorph.dicom.standard.tags import SOP_CLASS_UID
from dicomorph.dicom.values.data_uri import DataUri
from dicomorph.dicom.values.leaves import ENCAPSULATED_DOCUMENT, PDF
from dicomorph.model.resources import Json

_MODALITY = 0x00080060
_CONVERSION_TYPE = 0x00080064
_MIME_TYPE = 0x00420012
_WORKSTATION = "WSD"
# The SOP classes of encapsulated documents by MIME type (PS3.4 B.5), and their modalities.
_KINDS: Final = {
    PDF: ("1.2.840.10008.5.1.4.1.1.104.1", "OT"),
    "model/stl": ("1.2.840.10008.5.1.4.1.1.104.3", "M3D"),
    "model/obj": ("1.2.840.10008.5.1.4.1.1.104.4", "M3D"),
    "model/mtl": ("1.2.840.10008.5.1.4.1.1.104.5", "M3D"),
}


class Replacements(NamedTuple):
    """Top-level values of a request.

    Parameters
    ----------
    replace : dict[int, Json]
        Written in any case.
    default : dict[int, Json]
        Written where a file lacks the element.
    """

    replace: dict[int, Json]
    default: dict[int, Json]


def with_companions(replace: dict[int, Json], removed: frozenset[int]) -> Replacements:
    """Return top-level replacements with what comes with the document among them, if there is one.

    A document given as octets or as text comes alone: nothing tells what it is.

    Parameters
    ----------
    replace : dict[int, Json]
        What the request names itself, which wins.
    removed : frozenset[int]
        What it removes, before it replaces (spec 3.3): by then every file lacks it.
    """
    value = replace.get(ENCAPSULATED_DOCUMENT)
    uri = DataUri.parse(value) if isinstance(value, str) else None
    if uri is None or uri.mime_type not in _KINDS:
        return Replacements(replace, {})
    sop_class_uid, modality = _KINDS[uri.mime_type]
    usual = {SOP_CLASS_UID: sop_class_uid, _MODALITY: modality, _CONVERSION_TYPE: _WORKSTATION}
    lacking = {tag: usual[tag] for tag in usual.keys() & removed}
    return Replacements(
        {_MIME_TYPE: uri.mime_type, **lacking, **replace},
        {tag: text for tag, text in usual.items() if tag not in removed and tag not in replace},
    )
