"""The file of ``--settings``: JSON with Orthanc's own names."""

from __future__ import annotations

from pathlib import Path

from dicomorph.http.json_body import parse_json
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings, parse_settings


class SettingsFileError(Exception):
    """The file cannot be used; the message says why, in one line."""


def read_settings(path: Path | None) -> Settings:
    """Read a file of settings, with comments where Orthanc's own have them; none means the defaults.

    Raises
    ------
    SettingsFileError
        If it cannot be read, is not JSON, or has unknown names or wrong values.
    """
    if path is None:
        return Settings()
    try:
        document = parse_json(path.read_bytes())
    except OSError as error:
        raise SettingsFileError(f"Cannot read the settings {path}: {error.strerror}") from error
    except BadFileFormatError as error:
        raise SettingsFileError(f"The settings {path} are not JSON") from error
    try:
        return parse_settings(document)
    except BadFileFormatError as error:
        raise SettingsFileError(f"{path}: {error.details}") from error
