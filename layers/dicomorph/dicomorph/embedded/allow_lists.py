"""The folder of allow lists that the operator names (setting ``AllowLists``)."""

from __future__ import annotations

from pathlib import Path

from dicomorph.deid.editions.allow_list_file import LARGEST_LIST, check_name, read_allow_list
from dicomorph.model.errors import BadFileFormatError, DicomorphError, MisconfiguredError
from dicomorph.model.settings import Settings


def read_list_file(place: str) -> bytes | None:
    """Return the content of a file, as far as it may be a list; None if there is no such file.

    Raises
    ------
    MisconfiguredError
        If it cannot be read.
    """
    try:
        with Path(place).expanduser().open("rb") as file:
            return file.read(LARGEST_LIST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MisconfiguredError(f"An allow list cannot be read: {error.strerror}") from error


def check_allow_lists(settings: Settings) -> None:
    """Read all lists; raise `BadFileFormatError`, with the name of the file, if one is none."""
    if not settings.allow_lists:
        return
    folder = Path(settings.allow_lists).expanduser()
    if not folder.is_dir():
        raise BadFileFormatError(f"Setting AllowLists: {folder} is no folder")
    for path in sorted(folder.glob("*.json")):
        try:
            read_allow_list(check_name(path.stem), read_list_file(str(path)) or b"")
        except DicomorphError as error:
            raise BadFileFormatError(f"Setting AllowLists: {path}: {error.details}") from error
