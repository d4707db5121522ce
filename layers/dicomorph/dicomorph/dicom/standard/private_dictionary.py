"""Private tags: the well-known ones, and those that the setting ``Dictionary`` declares (spec 3.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dicomorph.dicom.standard import dictionary
from dicomorph.dicom.standard.dictionary import is_private, is_private_creator
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.model.settings import PrivateTag

_FILE = Path(__file__).parent / "tables" / "private_dictionary_pydicom_3.0.2.json"
_UNKNOWN = "Unknown"
_RETIRED_MAIN_TAG = 0x00101000  # OtherPatientIDs: Orthanc leaves the prefix of retired names out
_VRS = frozenset(vr.decode() for vr in LONG_VRS | SHORT_VRS)


class PrivateEntry(NamedTuple):
    """VR and name of a private tag."""

    vr: str
    name: str


class PrivateDictionary:
    """Looks private tags up by their private creator, well-known ones in whatever block they stand.

    Parameters
    ----------
    declared : tuple[PrivateTag, ...]
        The entries of the setting ``Dictionary``, which win over the well-known ones. As in
        Orthanc, an entry such as 0009,1001 holds for that block alone, and one such as
        0009,0001 for every block. Public tags among them apply as they are.
    """

    def __init__(self, declared: tuple[PrivateTag, ...] = ()) -> None:
        self._entries = {_key(entry.tag, entry.creator): _entry(entry) for entry in declared}
        self._tags = {entry.name: entry.tag for entry in declared if entry.name}

    def find(self, tag: int, creator: str) -> PrivateEntry | None:
        """Return what is known of a tag in the block of a creator, None if it is unknown."""
        found = self._entries.get(_key(tag, creator)) or self._entries.get(_key(tag & 0xFFFF00FF, creator))
        if found is not None or not is_private(tag) or not creator:
            return found
        raw = _well_known().get(creator, {}).get(f"{tag >> 16:04x}{tag & 0xFF:02x}")
        return PrivateEntry(*raw.split("|")) if raw else None

    def name_of(self, tag: int, creator: str) -> str:
        """Return what Orthanc calls a tag: DCMTK's name of it (spec 2.7).

        Examples
        --------
        >>> dictionary = PrivateDictionary()
        >>> dictionary.name_of(0x00100010, ""), dictionary.name_of(0x00080001, "")
        ('PatientName', 'RETIRED_LengthToEnd')
        >>> dictionary.name_of(0x00090010, ""), dictionary.name_of(0x00091001, "Nobody")
        ('PrivateCreator', 'Unknown Tag & Data')
        """
        found = self.find(tag, creator)
        if found is not None and found.name not in ("", _UNKNOWN):
            return found.name
        entry = dictionary.find(tag)
        if entry is not None and entry.keyword:
            is_prefixed = entry.is_retired and tag != _RETIRED_MAIN_TAG
            return f"{dictionary.RETIRED}{entry.keyword}" if is_prefixed else entry.keyword
        if tag & 0xFFFF == 0:
            return "PrivateGroupLength" if is_private(tag) else "GenericGroupLength"
        return "PrivateCreator" if is_private_creator(tag) else "Unknown Tag & Data"

    def tag_of(self, name: str) -> int | None:
        """Return the tag that the setting declares under a name, None if it declares none."""
        return self._tags.get(name)


def _key(tag: int, creator: str) -> tuple[int, str]:
    return (tag, creator) if is_private(tag) else (tag, "")


def _entry(declared: PrivateTag) -> PrivateEntry:
    return PrivateEntry(declared.vr if declared.vr in _VRS else "UN", declared.name)


@cache
def _well_known() -> Mapping[str, Mapping[str, str]]:
    creators: Mapping[str, Mapping[str, str]] = json.loads(_FILE.read_text(encoding="ascii"))["creators"]
    return creators
