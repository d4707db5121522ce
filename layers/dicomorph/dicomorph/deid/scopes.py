"""Scopes: which rules hold at the top level, below it, in kept subtrees and along paths (spec 3.7)."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dicomorph.deid.nested_paths import Operation, PathEntry
from dicomorph.deid.nested_values import with_paths_inside
from dicomorph.dicom.edit_plan import EMPTY, KEEP, REMOVE, REPLACE, Action, Rule
from dicomorph.dicom.elements import Encoding
from dicomorph.dicom.steps import Steps
from dicomorph.dicom.uids import Namespace
from dicomorph.model.resources import Json

PATIENT_NAME = 0x00100010
_REFERENCED_SOP_INSTANCE_UID = 0x00081155
_REFERENCED_FRAME_OF_REFERENCE_SEQUENCE = 0x30060010
_RT_REFERENCED_STUDY_SEQUENCE = 0x30060012
_REMEMBERED = 20_000
_NOTHING: Mapping[int, Json] = MappingProxyType({})


class Place(enum.Enum):
    """Where a data set stands, as far as rules depend on it."""

    TOP = enum.auto()
    NESTED = enum.auto()
    KEPT = enum.auto()
    # RT structure sets refer to a *study* by ReferencedSOPInstanceUID (spec, gotcha G11).
    RT_FRAME_OF_REFERENCE = enum.auto()
    RT_STUDY = enum.auto()


@dataclass(eq=False, kw_only=True)
class Rules:
    """The rules of a plan, by place.

    Parameters
    ----------
    top, nested : Mapping[int, Rule]
        By tag; what is absent is kept.
    kept : frozenset[int]
        Top-level tags named in Keep: with their subtree, where they are sequences.
    replaced : frozenset[int]
        Top-level tags that get new values. The values are none of the rules' business.
    """

    is_anonymization: bool
    removes_private: bool
    top: Mapping[int, Rule]
    nested: Mapping[int, Rule]
    kept: frozenset[int]
    replaced: frozenset[int]
    _scopes: dict[tuple[Place, tuple[tuple[object, ...], ...]], PlanScope] = field(default_factory=dict)
    _decided_top: Mapping[int, Rule] = field(init=False)

    def __post_init__(self) -> None:
        """Put together what is decided by tag alone: Keep over Replace over the rest (spec 3.1)."""
        self._decided_top = {
            **self.top,
            **dict.fromkeys(self.replaced, REPLACE),
            **dict.fromkeys(self.kept, KEEP),
        }

    def root(self, entries: tuple[PathEntry, ...]) -> PlanScope:
        """Return the scope of the top level."""
        return PlanScope(self, Place.TOP, entries)

    def scope(self, place: Place, entries: tuple[PathEntry, ...]) -> PlanScope | None:
        """Return the scope of a place, the same object for the same rules; None if nothing changes."""
        if not entries and not self._changes(place):
            return None
        # Values may be unhashable; the same one is the same object all the way down its path.
        key = place, tuple((e.operation, e.parents, e.tag, id(e.value)) for e in entries)
        if key not in self._scopes:
            if len(self._scopes) >= _REMEMBERED:
                self._scopes.clear()
            self._scopes[key] = PlanScope(self, place, entries)
        return self._scopes[key]

    def _changes(self, place: Place) -> bool:
        if place is Place.KEPT:
            return self.is_anonymization and PATIENT_NAME not in self.kept
        return self.is_anonymization or self.removes_private

    def rule_of(self, place: Place) -> Callable[[int], Rule]:
        """Return what answers for a tag at a place, paths aside."""
        if place is Place.TOP:
            return self._top_rule
        if place is Place.KEPT:
            return self._kept_rule
        return self._rt_study_rule if place is Place.RT_STUDY else self._nested_rule

    def _kept_rule(self, tag: int) -> Rule:
        name_in_clear = tag == PATIENT_NAME and self.is_anonymization and tag not in self.kept
        return EMPTY if name_in_clear else KEEP

    def _rt_study_rule(self, tag: int) -> Rule:
        if tag == _REFERENCED_SOP_INSTANCE_UID and tag not in self.kept and self.is_anonymization:
            return Rule(Action.MAP, Namespace.STUDY)
        return self._nested_rule(tag)

    def _nested_rule(self, tag: int) -> Rule:
        if tag >> 16 & 1 and self.removes_private:
            return REMOVE
        if not self.is_anonymization:
            return KEEP
        return REMOVE if _is_graphic(tag) and tag not in self.kept else self.nested.get(tag, KEEP)

    def _top_rule(self, tag: int) -> Rule:
        found = self._decided_top.get(tag)
        if found is not None:
            return found
        if tag >> 16 & 1 and self.removes_private:
            return REMOVE
        return REMOVE if self.is_anonymization and _is_graphic(tag) else KEEP

    def place_below(self, place: Place, tag: int) -> Place:
        """Return where the items of a sequence stand, paths aside."""
        if place is Place.KEPT or (place is Place.TOP and tag in self.kept):
            return Place.KEPT
        if tag >> 16 & 1:
            return Place.KEPT  # a private sequence that stays keeps its content (spec 3.6)
        if place is Place.TOP and tag == _REFERENCED_FRAME_OF_REFERENCE_SEQUENCE:
            return Place.RT_FRAME_OF_REFERENCE
        if place is Place.RT_FRAME_OF_REFERENCE and tag == _RT_REFERENCED_STUDY_SEQUENCE:
            return Place.RT_STUDY
        return Place.NESTED


_RULES = {Operation.KEEP: KEEP, Operation.REMOVE: REMOVE, Operation.REPLACE: REPLACE}


class PlanScope:
    """The rules at one place, with the paths that lead through it (a `dicom.edit_plan.Scope`).

    Equal only to itself: `Rules.scope` returns the same object for the same rules.
    """

    def __init__(self, rules: Rules, place: Place, entries: tuple[PathEntry, ...]) -> None:
        self._rules = rules
        self._place = place
        self._entries = entries
        self._here = {}
        for operation in (Operation.KEEP, Operation.REMOVE, Operation.REPLACE):  # the last one wins
            for entry in entries:
                if entry.operation is operation and not entry.parents:
                    self._here[entry.tag] = entry
        self._otherwise = rules.rule_of(place)
        self.replacements: Mapping[int, Json] = self._values()
        self.steps: dict[Encoding, Steps] = {}

    def _values(self) -> Mapping[int, Json]:
        values = {
            tag: with_paths_inside(tag, entry.value, self._replaced_after(entry))
            for tag, entry in self._here.items()
            if entry.operation is Operation.REPLACE
        }
        return values or _NOTHING

    def _replaced_after(self, entry: PathEntry) -> Iterator[PathEntry]:
        """Return the paths that find what an entry wrote: those of Remove came before it (spec 3.3)."""
        later = itertools.dropwhile(lambda other: other is not entry, self._entries)
        return (other for other in later if other.operation is Operation.REPLACE)

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element."""
        entry = self._here.get(tag) if self._here else None
        return self._otherwise(tag) if entry is None else _RULES[entry.operation]

    def below(self, tag: int, index: int) -> PlanScope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        kept = any(e.operation is Operation.KEEP and not e.parents and e.tag == tag for e in self._entries)
        place = Place.KEPT if kept else self._rules.place_below(self._place, tag)
        entries = tuple(entry.entered() for entry in self._entries if entry.enters(tag, index))
        return self._rules.scope(place, entries)

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether a path names items of this sequence by number."""
        return any(
            e.parents and e.parents[0][0] == tag and e.parents[0][1] is not None for e in self._entries
        )


def _is_graphic(tag: int) -> bool:
    """Tell curves (50xx) and overlays (60xx), whole groups (PS3.15 Table E.1-1)."""
    group = tag >> 16
    return 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF  # noqa: PLR2004 - repeating groups
