"""The editions of the Basic Profile (PS3.15 Table E.1-1) as data."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from dicomorph.dicom.edit_plan import EMPTY, REMOVE, Action, Rule
from dicomorph.dicom.uids import Namespace
from dicomorph.model.errors import ParameterOutOfRangeError

EDITIONS = ("2008", "2017c", "2021b", "2023b")
NEWEST_EDITION = EDITIONS[-1]


@dataclass(frozen=True, slots=True)
class Profile:
    """One edition.

    Parameters
    ----------
    edition : str
        Such as ``2023b``.
    method : str
        What DeidentificationMethod says of it, behind the name of the software.
    rules : Mapping[int, Rule]
        What happens to an attribute wherever it stands; absent ones are kept.
    """

    edition: str
    method: str
    rules: Mapping[int, Rule]


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
