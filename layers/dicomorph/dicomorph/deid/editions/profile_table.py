"""Table E.1-1 of PS3.15 in an edition, what is done beyond it, and what UIDs name: as data.

The files are read when an edition is first asked for.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from dicomorph.deid.editions.options import Option

CONFORMANT_EDITIONS = ("2024b", "2025e", "2026d")

_COLUMNS = {
    Option.RETAIN_SAFE_PRIVATE: "retain_safe_private",
    Option.RETAIN_UIDS: "retain_uids",
    Option.RETAIN_DEVICE_IDENTITY: "retain_device_identity",
    Option.RETAIN_INSTITUTION_IDENTITY: "retain_institution_identity",
    Option.RETAIN_PATIENT_CHARACTERISTICS: "retain_patient_characteristics",
    Option.RETAIN_LONGITUDINAL_FULL_DATES: "retain_longitudinal_full_dates",
}


class Row(NamedTuple):
    """What the table says of an attribute.

    Parameters
    ----------
    basic : str
        The action of the Basic Profile, such as ``X/Z/D``.
    options : Mapping[Option, str]
        ``K`` or ``C``, for the options that say otherwise.
    """

    basic: str
    options: Mapping[Option, str]


class Beyond(NamedTuple):
    """What is done to an attribute that the table does not name, and why."""

    action: str
    reason: str


@functools.cache
def profile_rows(edition: str) -> Mapping[int, Row]:
    """Return the rows of an edition by tag.

    Those of repeating groups and of private attributes are left out: whole groups go.

    Parameters
    ----------
    edition : str
        One of `CONFORMANT_EDITIONS`.
    """
    document = _read(f"confidentiality_profile_{edition}.json")
    columns = {option: document["options"].index(column) for option, column in _COLUMNS.items()}
    rows = ((tag, raw) for tag, raw in document["rows"].items() if "x" not in tag and tag != "ggggeeee")
    return MappingProxyType({int(tag, 16): _row(raw, columns) for tag, raw in rows})


def _row(raw: str, columns: Mapping[Option, int]) -> Row:
    basic, _, letters = raw.partition(" ")
    said = {option: letters[index : index + 1] for option, index in columns.items()}
    return Row(basic, {option: letter for option, letter in said.items() if letter and letter != "."})


@functools.cache
def beyond_the_table() -> Mapping[int, Beyond]:
    """Return what is done beyond the table, which is a minimum (PS3.15 E.1.1), by tag."""
    found = {}
    for row in _read("beyond_the_table.json")["rows"]:
        mask = row["tag"]
        elements = range(256) if mask.endswith("xx") else [0]
        first = int(mask.replace("x", "0"), 16)
        found.update(dict.fromkeys((first + n for n in elements), Beyond(row["action"], row["reason"])))
    return MappingProxyType(found)


@functools.cache
def uid_roles() -> Mapping[int, str]:
    """Return what the UID of an attribute names.

    ``well_known`` is what the standard or a vendor has registered for all, ``instance`` what
    came about once, ``container`` a part of a file or a message around the data set.
    """
    roles: dict[str, str] = _read("uid_attributes_2026d.json")["roles"]
    return MappingProxyType({int(tag, 16): role for tag, role in roles.items()})


@functools.cache
def telling_apart() -> frozenset[int]:
    """Return the identifiers whose dummies tell entities apart: a constant would merge them."""
    return frozenset(int(row["tag"], 16) for row in _read("keyed_dummies.json")["rows"])


def _read(name: str) -> Any:
    file = resources.files("dicomorph.deid") / "tables" / name
    return json.loads(file.read_text(encoding="ascii"))
