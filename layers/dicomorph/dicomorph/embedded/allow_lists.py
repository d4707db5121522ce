"""Allow lists as files of a folder that the operator names (setting ``AllowLists``)."""

from __future__ import annotations

import logging
from pathlib import Path

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import (
    LARGEST_LIST,
    check_name,
    read_allow_list,
    shipped_allow_list,
)
from dicomorph.model.errors import BadFileFormatError, DicomorphError, MisconfiguredError

_logger = logging.getLogger(__name__)


class FolderAllowLists:
    """Reads a list from its file whenever a request names it; those that are shipped need none.

    Parameters
    ----------
    folder : Path
        With ``<name>.json`` for each list.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> AllowList:
        """Return a list.

        Raises
        ------
        BadRequestError
            If there is none of this name.
        MisconfiguredError
            If its file cannot be read, or is no list; the log says why.
        """
        path = self._folder / f"{check_name(name)}.json"
        try:
            return _read(path)
        except FileNotFoundError:
            return shipped_allow_list(name)
        except (OSError, DicomorphError) as error:
            _logger.error("Setting AllowLists: %s", error)  # noqa: TRY400 - the operator's own words
            raise MisconfiguredError("The allow list cannot be used; the server's log says why") from error

    def check(self) -> None:
        """Read all lists; raise `BadFileFormatError`, with the name of the file, if one is none."""
        if not self._folder.is_dir():
            raise BadFileFormatError(f"Setting AllowLists: {self._folder} is no folder")
        for path in sorted(self._folder.glob("*.json")):
            try:
                check_name(path.stem)
                _read(path)
            except OSError as error:
                raise BadFileFormatError(f"Setting AllowLists: {path}: {error.strerror}") from error
            except DicomorphError as error:
                raise BadFileFormatError(f"Setting AllowLists: {path}: {error.details}") from error


def _read(path: Path) -> AllowList:
    with path.open("rb") as file:
        return read_allow_list(path.stem, file.read(LARGEST_LIST + 1))
