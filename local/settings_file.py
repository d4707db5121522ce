"""The file of ``--settings``: JSON with Orthanc's own names."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from dicomorph.embedded.allow_lists import check_allow_lists, read_list_file
from dicomorph.http.reading.json_body import parse_json
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json
from dicomorph.model.settings import parse_settings
from dicomorph.services.arrival.rules import ArrivalRules
from dicomorph.services.server.allow_lists import find_allow_list
from dicomorph.services.server.check_settings import check_settings


class SettingsFileError(Exception):
    """The file cannot be used; the message says why, in one line."""


def read_settings(path: Path | None) -> Json:
    """Read a file of settings, with comments where Orthanc's own have them.

    Returns
    -------
    Json
        The document, which `parse_settings` accepts; an empty one if there is no file.

    Raises
    ------
    SettingsFileError
        If it cannot be read, is not JSON, or has unknown names or wrong values.
    """
    if path is None:
        return {}
    try:
        document = parse_json(path.read_bytes())
    except OSError as error:
        raise SettingsFileError(f"Cannot read the settings {path}: {error.strerror}") from error
    except BadFileFormatError as error:
        raise SettingsFileError(f"The settings {path} are not JSON") from error
    try:
        settings = check_settings(parse_settings(document))
        check_allow_lists(settings)
        ArrivalRules(settings, partial(find_allow_list, settings, read_list_file))
    except BadFileFormatError as error:
        raise SettingsFileError(f"{path}: {error.details}") from error
    if settings.access_trail is not None and not settings.access_trail.folder:
        raise SettingsFileError(f"{path}: Setting AccessTrail: which Folder?")
    return document
