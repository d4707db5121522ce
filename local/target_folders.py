"""The folders of the setting ``Targets``: found fit before anything is asked to go there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dicomorph.embedded.objects.modes import folder_mode
from dicomorph.model.resources import Json
from dicomorph.model.settings import parse_settings


class TargetFolderError(Exception):
    """A folder cannot be a target; the message says why, in one line."""


def with_target_folders(settings: Json, data: Path) -> Json:
    """Return settings whose targets are the folders that they name, each of which takes files.

    Parameters
    ----------
    settings : Json
        The document that `parse_settings` accepts. ``~`` is the home of the user. Folders that are
        made let in whom ``TargetMode`` lets read their files.
    data : Path
        The data folder, resolved.

    Raises
    ------
    TargetFolderError
        If one is not absolute, is part of the data folder or has it as a part, or cannot be
        made or written to.
    """
    targets = settings.get("Targets") if isinstance(settings, dict) else None
    if not isinstance(settings, dict) or not isinstance(targets, dict):
        return settings
    mode = folder_mode(parse_settings(settings).target_mode)
    found: dict[str, Json] = {
        name: str(_fit(name, str(place), data, mode)) for name, place in targets.items()
    }
    return {**settings, "Targets": found}


def target_folders(settings: Json) -> dict[str, Path]:
    """Return the folders that such settings name, by the names of the targets."""
    return {name: Path(place) for name, place in parse_settings(settings).targets.items()}


def _fit(name: str, place: str, data: Path, mode: int) -> Path:
    folder = Path(place).expanduser()
    if not folder.is_absolute():
        raise TargetFolderError(f"Target {name}: {place} is not absolute")
    folder = folder.resolve()
    if folder.is_relative_to(data) or data.is_relative_to(folder):
        raise TargetFolderError(f"Target {name}: {folder} and the data folder {data} are not apart")
    try:
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in made:  # the mask of the process lets nobody else in, and folders that were there stay
            one.chmod(mode)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise TargetFolderError(f"Target {name}: cannot write to {folder}: {reason}") from error
    return folder
