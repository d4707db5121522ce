"""The lists that requests may name: the operator's own (setting ``AllowLists``), and the shipped ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import check_name, read_allow_list, shipped_allow_list
from dicomorph.deid.requests.profile_choice import AllowLists
from dicomorph.model.errors import BadFileFormatError, MisconfiguredError
from dicomorph.model.settings import Settings
from dicomorph.services.backend import Backend

_logger = logging.getLogger(__name__)


def allow_lists_of(backend: Backend) -> AllowLists:
    """Return what finds the lists of a deployment (`find_allow_list`)."""
    return partial(find_allow_list, backend.settings, backend.read_list)


def find_allow_list(settings: Settings, read_list: Callable[[str], bytes | None], name: str) -> AllowList:
    """Return a list as it is at this moment; the operator's own goes before one that is shipped.

    Parameters
    ----------
    read_list : Callable[[str], bytes | None]
        Reads a file below the setting ``AllowLists``; None if there is none.

    Raises
    ------
    BadRequestError
        If there is no list of this name.
    MisconfiguredError
        If the operator's file is none; the log says why.
    """
    check_name(name)
    folder = settings.allow_lists.rstrip("/")
    document = read_list(f"{folder}/{name}.json") if folder else None
    if document is None:
        return shipped_allow_list(name)
    try:
        return read_allow_list(name, document)
    except BadFileFormatError as error:
        _logger.error("Setting AllowLists: %s", error.details)  # noqa: TRY400 - the operator's own words
        raise MisconfiguredError("The allow list means nothing; the server's log says why") from error
