"""What the standard says, as data: rows of PS3.15 Table E.1-1, roles of UIDs, types by IOD and path."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any, TypeAlias

from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag

Path: TypeAlias = tuple[int, ...]
"""The sequences around an element, from the top level, by tag."""

_DATA = FilePath(__file__).parent / "data"
_STRICTNESS = ("1", "1C", "2", "2C", "3", "?")
_FIRST = {"US or SS": "US", "OB or OW": "OW", "US or OW": "US", "US or SS or OW": "US"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: actions as it spells them, and by option what it says instead."""

    tag: int
    vr: str
    basic: str
    options: Mapping[str, str]


def _loaded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_DATA / "confidentiality_profile_2026d.json").read_text("ascii"))
    return found


def _number(tag: str) -> int:
    """Return a tag as a number; the groups that repeat stand for their first one."""
    return int(tag.replace("xx", "00"), 16)


_FACTS = _loaded()
ROWS = {
    _number(tag): Row(_number(tag), _FIRST.get(vr, vr) or "", basic, options)
    for tag, vr, basic, options in _FACTS["rows"]
    if tag not in {"50xxxxxx", "ggggeeee"}
}
"""The 655 rows that name one attribute; curves and private attributes are rows of their own kind."""
UIDS_OF_INSTANCES = frozenset(map(_number, _FACTS["uids_of_instances"]))
UIDS_OF_CLASSES = frozenset(map(_number, _FACTS["uids_of_classes"]))

OPTIONS = (
    "RetainUIDs",
    "RetainDeviceIdentity",
    "RetainInstitutionIdentity",
    "RetainPatientCharacteristics",
    "RetainLongitudinalFullDates",
    "RetainSafePrivate",
)

# What the table leaves out and E.1.1 asks for all the same: names, addresses, text of people.
BEYOND = {
    **dict.fromkeys((0x0040A067, 0x00140104, 0x00142006), "X"),  # names
    **dict.fromkeys((0x00081190, 0x0040E010, 0x00404073, *range(0x00080407, 0x0008040C), 0x0074100A), "X"),
    **dict.fromkeys((0x0040E001, 0x00420010, 0x00100033, 0x00100034, 0x00700081, 0x00700068), "X"),
    **dict.fromkeys((0x00080010, 0x00200070, 0x00203100, 0x00203402, 0x00203404), "X"),  # retired
    **dict.fromkeys((0x00189423, 0x30020020, 0x00400400), "X"),
    **dict.fromkeys((0x00401006, 0x00401007, 0x00402006, 0x00402007, 0x0040A992), "X"),  # retired, too
    0x00620020: "D",  # tells tracked things apart, as their UID
}
"""What else is acted on, and how."""


@cache
def vr_of(tag: int) -> str:
    """Return the VR of an attribute, empty if nobody knows it."""
    if dictionary_has_tag(tag) or repeater_has_tag(tag):
        vr = dictionary_VR(tag)
        return _FIRST.get(vr, vr)
    row = ROWS.get(tag)
    return (row.vr or "LO") if row else ""


class Types:
    """The types of attributes by SOP class and path (PS3.3): the strictest of all modules of an IOD."""

    def __init__(self) -> None:
        with gzip.open(_DATA / "iod_types.json.gz", "rt", encoding="ascii") as file:
            found = json.load(file)
        tags = [_number(tag) for tag in found["tags"]]
        kinds = found["types"]
        self._pool: list[dict[int, tuple[str, int]]] = [
            {tags[node[i]]: (kinds[node[i + 1]], node[i + 2]) for i in range(0, len(node), 3)}
            for node in found["pool"]
        ]
        self._roots: dict[str, frozenset[int]] = {
            sop_class: frozenset(found["iods"][iod]) for sop_class, iod in found["sop_classes"].items()
        }
        self._places: dict[tuple[str, Path], frozenset[int]] = {}
        self._merged: dict[frozenset[int], dict[int, tuple[str, frozenset[int]]]] = {}
        self.sop_classes = tuple(sorted(self._roots))

    def __contains__(self, sop_class: str) -> bool:
        return sop_class in self._roots

    def at(self, sop_class: str, path: Path) -> Mapping[int, tuple[str, frozenset[int]]]:
        """Return what a data set holds by tag: the type, and what items hold."""
        return self.of(self._nodes(sop_class, path))

    def _nodes(self, sop_class: str, path: Path) -> frozenset[int]:
        if not path:
            return self._roots.get(sop_class, frozenset())
        place = sop_class, path
        if place not in self._places:
            above = self.of(self._nodes(sop_class, path[:-1]))
            self._places[place] = above.get(path[-1], ("", frozenset[int]()))[1]
        return self._places[place]

    def type_of(self, sop_class: str, path: Path, tag: int) -> str | None:
        """Return the type of an attribute at a path, None where the IOD does not define it."""
        found = self.at(sop_class, path).get(tag)
        return found[0] if found else None

    def of(self, nodes: frozenset[int]) -> dict[int, tuple[str, frozenset[int]]]:
        """Return the attributes of several nodes taken together."""
        if nodes not in self._merged:
            merged: dict[int, tuple[str, frozenset[int]]] = {}
            for node in nodes:
                for tag, (kind, inside) in self._pool[node].items():
                    before = merged.get(tag, ("?", frozenset()))
                    strictest = min(before[0], kind, key=_STRICTNESS.index)
                    merged[tag] = strictest, before[1] | ({inside} if inside >= 0 else set())
            self._merged[nodes] = dict(sorted(merged.items()))
        return self._merged[nodes]

    def places(self, tag: int) -> Iterator[tuple[str, str]]:
        """Return the SOP classes whose top level has an attribute, and its type there."""
        for sop_class in self.sop_classes:
            kind = self.type_of(sop_class, (), tag)
            if kind is not None:
                yield sop_class, kind


@cache
def types() -> Types:
    """Return the types, read once."""
    return Types()
