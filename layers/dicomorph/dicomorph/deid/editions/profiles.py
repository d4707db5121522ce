"""The editions of the Basic Profile (PS3.15 Table E.1-1) as data, in Orthanc's reading (spec 3.7, 3.8)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from dicomorph.deid.editions.resolution import ANYWHERE, RT_PATHS, RT_STUDY, Path
from dicomorph.deid.identity import MAPPED
from dicomorph.dicom.engine.edit_plan import EMPTY, KEEP, REMOVE, Action, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import is_private
from dicomorph.dicom.standard.tags import PATIENT_NAME
from dicomorph.model.errors import ParameterOutOfRangeError

EDITIONS = ("2008", "2017c", "2021b", "2023b")

# PS3.15 E.1.1: neither signatures (and what they were made of) nor the previous values of
# attributes outlive the change that they speak of, and padding may hold anything.
_CHANGED_OR_SIGNED = (
    *(0x04000402, 0x04000403, 0x04000404, 0x04000550, 0x04000561),
    *(0x4FFE0001, 0xFFFAFFFA, 0xFFFCFFFC),
)
_IN_EVERY_EDITION = {**dict.fromkeys(_CHANGED_OR_SIGNED, REMOVE), **MAPPED, PATIENT_NAME: EMPTY}

_FIRST_DATA_SET_TAG = 0x00080000  # what lies below belongs to file meta, commands or a DICOMDIR
_REPEATING = (0x50, 0x60)  # the first byte of the groups of curves and overlays
_REFERENCED_SOP_INSTANCE_UID = 0x00081155


@dataclass(frozen=True, slots=True)
class Profile:
    """One edition (a `resolution.Resolver`): a table, and what holds in every edition.

    Parameters
    ----------
    edition : str
        Such as ``2023b``.
    method : str
        What DeidentificationMethod says of it, behind the name of the software.
    rules : Mapping[int, Rule]
        What its table says of an attribute, wherever it stands.
    """

    edition: str
    method: str
    rules: Mapping[int, Rule]

    @property
    def depends_on_sop_class(self) -> bool:
        """Tell that Orthanc reads its tables alike for all."""
        return False

    def resolve(
        self,
        tag: int,
        path: Path,
        sop_class: str,  # noqa: ARG002 - see above
        staying: frozenset[int] = frozenset(),  # noqa: ARG002 - each attribute stands alone
    ) -> Rule:
        """Return what happens to an attribute; what the edition does not name is kept."""
        if tag == _REFERENCED_SOP_INSTANCE_UID and path == RT_STUDY:
            return Rule(Action.MAP, Namespace.STUDY)
        found = _IN_EVERY_EDITION.get(tag) or self.rules.get(tag)
        if found is not None:
            return found
        return REMOVE if tag < _FIRST_DATA_SET_TAG or is_graphic(tag) else KEEP

    def unfit(self, tag: int, path: Path, sop_class: str) -> Rule:  # noqa: ARG002 - as in `resolve`
        """Return that values are not looked at, as in Orthanc."""
        return KEEP

    def place(self, path: Path, sop_class: str) -> Path:  # noqa: ARG002 - as in `resolve`
        """Return the path itself on the way to the study that a structure set refers to."""
        return path if path in RT_PATHS else ANYWHERE


@functools.cache
def profile(edition: str) -> Profile:
    """Return an edition of the profile.

    Raises
    ------
    ParameterOutOfRangeError
        If the edition is not one of `EDITIONS`.
    """
    if edition not in EDITIONS:
        message = f"Unknown DicomVersion; known are {', '.join(EDITIONS)}"
        raise ParameterOutOfRangeError(message)
    file = resources.files("dicomorph.deid") / "tables" / f"basic_profile_{edition}.json"
    table = json.loads(file.read_text(encoding="ascii"))
    by_instance = Rule(Action.MAP, Namespace.INSTANCE)  # every UID but the study's and the series' (spec 3.7)
    rules: dict[int, Rule] = {}
    for name, rule in (("remove", REMOVE), ("clear", EMPTY), ("replace_uid", by_instance)):
        rules.update((int(tag, 16), rule) for tag in table[name])
    return Profile(edition, table["method"], MappingProxyType(rules))


def is_graphic(tag: int) -> bool:
    """Tell curves (50xx) and overlays (60xx), whole groups: their labels and origins name things, too.

    The groups repeat with even numbers only (PS3.5 7.6); the odd ones between them are private.
    """
    return tag >> 24 in _REPEATING and not is_private(tag)
