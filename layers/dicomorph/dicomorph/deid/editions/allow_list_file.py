"""Files of allow lists: JSON that names attributes, by keywords or tags."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from importlib import resources
from typing import Final

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.dicom.standard.dictionary import is_private
from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.standard.tags import PATIENT_ID, PATIENT_NAME, format_tag
from dicomorph.model.errors import BadFileFormatError, BadRequestError, DicomorphError

LARGEST_LIST: Final = 1 << 20
"""Bytes of a file; the whole dictionary, written as keywords, has a tenth of it."""

SHIPPED: Final = ("research-images",)
"""The lists that need no file of the operator's."""

_ALWAYS_NEW = frozenset((PATIENT_NAME, PATIENT_ID))
_FIRST_DATA_SET_TAG = 0x00080000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORM = 'An allow list is {"Tags": [...]}, keywords or gggg,eeee, and may have a Description'


def check_name(name: str) -> str:
    """Return the name of a list, which may be that of a file; raise `BadRequestError` if it is none."""
    if not _NAME.fullmatch(name):
        raise BadRequestError("The name of an allow list has up to 64 letters, digits, _ and -")
    return name


def unknown_list() -> BadRequestError:
    """Return the error of a request that names a list which is not there."""
    return BadRequestError("'AllowList' is none of those that are configured")


def read_allow_list(name: str, document: bytes) -> AllowList:
    """Return a list from its file.

    Parameters
    ----------
    name : str
        As requests call it: the name of the file without ``.json``.
    document : bytes
        JSON in UTF-8: an object with ``Tags``, an array of keywords or tags (``gggg,eeee``), and a
        ``Description`` if it has one; or the array alone.

    Returns
    -------
    AllowList
        Without PatientName and PatientID, which get new values whatever a list says.

    Raises
    ------
    BadFileFormatError
        If it is something else, or names what no list keeps: private attributes, which mean
        nothing without their creator, and what lies outside the data set.
    """
    if len(document) > LARGEST_LIST:
        raise BadFileFormatError(f"{_FORM}, of at most 1 MB")
    try:
        content = json.loads(document)
    except (ValueError, RecursionError):
        raise BadFileFormatError(f"{_FORM}: this is not JSON") from None
    if isinstance(content, list):
        content = {"Tags": content}
    if (
        not isinstance(content, dict)
        or content.keys() - {"Tags", "Description"}
        or not isinstance(content.get("Description", ""), str)
        or not isinstance(content.get("Tags"), list)
        or not all(isinstance(text, str) for text in content["Tags"])
    ):
        raise BadFileFormatError(_FORM)
    return AllowList(name, frozenset(_tags(content["Tags"])) - _ALWAYS_NEW)


def _tags(names: Iterable[str]) -> Iterable[int]:
    dictionary = TagNames()
    for text in names:
        try:
            path = dictionary.path(text)
        except DicomorphError as error:
            raise BadFileFormatError(error.details or "An allow list names an unknown tag") from error
        if path.parents or is_private(path.tag) or path.tag < _FIRST_DATA_SET_TAG:
            raise BadFileFormatError(f"An allow list cannot keep {format_tag(path.tag)}")
        yield path.tag


def unread_allow_list(name: str) -> AllowList:
    """Stand for any list where a rule is only looked at, and no file is changed."""
    return AllowList(check_name(name), frozenset())


@functools.cache
def shipped_allow_list(name: str) -> AllowList:
    """Return a list that comes with the software.

    Raises
    ------
    BadRequestError
        If there is none of this name.
    """
    if name not in SHIPPED:
        raise unknown_list()
    file = resources.files("dicomorph.deid") / "tables" / f"allow_list_{name.replace('-', '_')}.json"
    return read_allow_list(name, file.read_bytes())
