"""Types of attributes by SOP class and path (PS3.3; PS3.5 7.4), read when they are first needed.

The table tells the attributes of each module that a SOP class may have. Conditions are not
evaluated: an attribute that stands in a file is held to its type as if its module and its
condition applied, so that what was valid stays valid.
"""

from __future__ import annotations

import enum
import functools
import gzip
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from dicomorph.deid.editions.resolution import Path

_FILE = "iod_types_2026d.json.gz"
_REMEMBERED = 4_096  # places


class Requirement(enum.IntEnum):
    """What the definition of an object demands of an attribute that stands in it, strictest first."""

    VALUE = 0  # Type 1 and 1C: with a value
    PRESENCE = 1  # Type 2 and 2C: may be empty
    NOTHING = 2  # Type 3
    UNDEFINED = 3  # the SOP class knows no such attribute there
    UNKNOWN = 4  # the SOP class is private, or newer than the table


_BY_TYPE = {
    "1": Requirement.VALUE,
    "1C": Requirement.VALUE,
    "2": Requirement.PRESENCE,
    "2C": Requirement.PRESENCE,
    "3": Requirement.NOTHING,
}


class IodTypes:
    """The table (`iod_types`): a tree for each module, whose branches modules share.

    Parameters
    ----------
    document : Mapping[str, Any]
        As `tools.confidentiality_tables` writes it.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._requirements = tuple(_BY_TYPE[kind] for kind in document["types"] if kind in _BY_TYPE)
        self._iods: Mapping[str, list[tuple[int, str]]] = document["iods"]
        self._iod_of: Mapping[str, str] = document["sop_classes"]
        self._flat: list[list[int]] = document["nodes"]
        self._nodes: dict[int, Mapping[int, tuple[Requirement, int]]] = {}
        self.attributes = functools.lru_cache(maxsize=_REMEMBERED)(self._attributes)
        """The attributes that a SOP class defines at a path, with the strictest of what is demanded."""

    def sop_classes(self) -> tuple[str, ...]:
        """Return the SOP classes that the table knows."""
        return tuple(self._iod_of)

    def knows(self, sop_class: str) -> bool:
        """Tell whether the table has a SOP class."""
        return sop_class in self._iod_of

    def requirement(self, tag: int, path: Path, sop_class: str) -> Requirement:
        """Return the strictest of what the modules of a SOP class demand of an attribute at a path."""
        if not self.knows(sop_class):
            return Requirement.UNKNOWN
        return self.attributes(path, sop_class).get(tag, Requirement.UNDEFINED)

    def defines_items(self, path: Path, sop_class: str) -> bool:
        """Tell whether a SOP class says what the items of a sequence hold."""
        return bool(self._nodes_at(path, sop_class))

    def _attributes(self, path: Path, sop_class: str) -> Mapping[int, Requirement]:
        found: dict[int, Requirement] = {}
        for node in self._nodes_at(path, sop_class):
            for tag, (requirement, _) in self._node(node).items():
                found[tag] = min(requirement, found.get(tag, requirement))
        return found

    def _nodes_at(self, path: Path, sop_class: str) -> tuple[int, ...]:
        """Return the branches of the modules at a path."""
        if not path:
            modules = self._iods.get(self._iod_of.get(sop_class, ""), [])
            return tuple(node for node, _ in modules)
        above = (self._node(node).get(path[-1]) for node in self._nodes_at(path[:-1], sop_class))
        return tuple({entry[1]: None for entry in above if entry and entry[1] >= 0})

    def _node(self, index: int) -> Mapping[int, tuple[Requirement, int]]:
        """Return a branch, unfolded from its triples when it is first met."""
        found = self._nodes.get(index)
        if found is None:
            flat = self._flat[index]
            found = self._nodes[index] = {
                tag: (self._requirements[kind], items)
                for tag, kind, items in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
            }
        return found


@functools.cache
def iod_types() -> IodTypes:
    """Return the table: 180 SOP classes, read in some 10 ms."""
    file = resources.files("dicomorph.deid") / "tables" / _FILE
    return IodTypes(json.loads(gzip.decompress(file.read_bytes())))
