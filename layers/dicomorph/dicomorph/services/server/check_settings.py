"""What settings mean to the core, judged before a server starts: which values, and which names yet."""

from __future__ import annotations

from dicomorph.deid.editions.editions import ALL_EDITIONS
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.standard.transfer_syntaxes import is_lossy_target, is_transcodable
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.text.charsets import ORTHANC_ENCODINGS
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings

_LOSSLESS = "must be the UID of a transfer syntax that loses nothing and can be written"
_WAITING_FOR_FIND = {
    "LimitFindInstances": "limit_find_instances",
    "LimitFindResults": "limit_find_results",
    "CaseSensitivePN": "case_sensitive_pn",
}


def check_settings(settings: Settings) -> Settings:
    """Return the settings if every value means something.

    Raises
    ------
    BadFileFormatError
        For an unknown edition, encoding or VR; the known ones are listed. For a transfer syntax in which
        uploads cannot be kept as they are.
    """
    if settings.default_dicom_version not in ("", *ALL_EDITIONS):
        raise BadFileFormatError(f"Setting DefaultDicomVersion: known are {', '.join(ALL_EDITIONS)}")
    if settings.default_encoding not in ORTHANC_ENCODINGS:
        raise BadFileFormatError(f"Setting DefaultEncoding: known are {', '.join(sorted(ORTHANC_ENCODINGS))}")
    kept_in = settings.ingest_transcoding
    if kept_in and (not is_transcodable(kept_in) or is_lossy_target(kept_in)):
        raise BadFileFormatError(f"Setting IngestTranscoding: {_LOSSLESS}")
    for entry in settings.dictionary:
        if entry.vr.encode() not in LONG_VRS | SHORT_VRS:
            raise BadFileFormatError(f"Setting Dictionary: {format_tag(entry.tag)} has no VR of the standard")
    return settings


def waiting_settings(settings: Settings) -> str:
    """Return what to tell an operator who set what does nothing before there is ``/tools/find``.

    Names, no values; empty if there is nothing to tell.
    """
    default = Settings()
    names = [
        name
        for name, attribute in _WAITING_FOR_FIND.items()
        if getattr(settings, attribute) != getattr(default, attribute)
    ]
    return f"Settings that wait for /tools/find and do nothing yet: {', '.join(names)}" if names else ""
