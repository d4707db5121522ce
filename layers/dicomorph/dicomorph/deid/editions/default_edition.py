"""Which edition of the profile counts where a request names none."""

from __future__ import annotations

from typing import Final

from dicomorph.model.settings import Settings

DEFAULT_EDITION: Final = "2026d"
"""Of this version, where the setting ``DefaultDicomVersion`` says nothing."""


def edition_of(settings: Settings) -> str:
    """Return the edition of requests without ``DicomVersion``."""
    return settings.default_dicom_version or DEFAULT_EDITION
