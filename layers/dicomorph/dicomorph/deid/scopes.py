"""Scopes: how the walk finds the rules of items, of kept subtrees and along paths (spec 3.7)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dicomorph.deid.requests.nested_paths import Operation, PathEntry
from dicomorph.deid.requests.nested_values import with_paths_inside
from dicomorph.deid.rules import KEPT, TOP, Place, Rules
from dicomorph.dicom.engine.edit_plan import (
    AGE_CAP,
    KEEP,
    REMOVE,
    REPLACE,
    Action,
    Rule,
)
from dicomorph.dicom.standard.tags import PATIENT_AGE
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.values.leaves import ENCAPSULATED_DOCUMENT
from dicomorph.dicom.values.pixel_values import may_depend_on_sign
from dicomorph.model.resources import Json

_REMEMBERED = 20_000
_MIME_TYPE, _LIST_OF_MIME_TYPES, _DOCUMENT_LENGTH = 0x00420012, 0x00420014, 0x00420015
_OF_DOCUMENTS = frozenset((_MIME_TYPE, _LIST_OF_MIME_TYPES, _DOCUMENT_LENGTH))
_NOTHING: Mapping[int, Json] = MappingProxyType({})
_AS_THEY_ARE: Mapping[int, int | None] = MappingProxyType({})

_RULES = {Operation.KEEP: KEEP, Operation.REMOVE: REMOVE, Operation.REPLACE: REPLACE}


class Scopes:
    """The scopes of a plan, each made when a walk first comes there.

    Parameters
    ----------
    rules : Rules
        What holds in them.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._made: dict[tuple[Place, tuple[tuple[object, ...], ...]], PlanScope] = {}

    def root(self, entries: tuple[PathEntry, ...]) -> PlanScope:
        """Return the scope of the top level."""
        return PlanScope(self, TOP, entries)

    def scope(self, place: Place, entries: tuple[PathEntry, ...]) -> PlanScope | None:
        """Return the scope of a place, the same object for the same rules; None if nothing changes."""
        if not entries and not self.rules.changes(place):
            return None
        # Values may be unhashable; the same one is the same object all the way down its path.
        key = place, tuple((e.operation, e.parents, e.tag, id(e.value)) for e in entries)
        if key not in self._made:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            self._made[key] = PlanScope(self, place, entries)
        return self._made[key]


class PlanScope:
    """The rules at one place, with the paths that lead through it (a `dicom.edit_plan.Scope`).

    Equal only to itself: `Scopes.scope` returns the same object for the same rules.
    """

    def __init__(self, scopes: Scopes, place: Place, entries: tuple[PathEntry, ...]) -> None:
        self._scopes = scopes
        self._rules = rules = scopes.rules
        self._place = place
        self._entries = entries
        self._here = {}
        for operation in (Operation.KEEP, Operation.REMOVE, Operation.REPLACE):  # the last one wins
            for entry in entries:
                if entry.operation is operation and not entry.parents:
                    self._here[entry.tag] = entry
        self._otherwise = rules.rule_of(place)
        self.replacements: Mapping[int, Json] = self._values()
        self.cleans_frames = rules.edition is not None
        self.checks_values = rules.checks_values
        self.claims = rules.claims(place, entries)
        self.judge = None if place.is_kept else rules.judge
        self.written_as: Mapping[int, int | None] = _AS_THEY_ARE
        self.looks_ahead = self.claims is not None or any(
            entry.operation is Operation.REPLACE and may_depend_on_sign(entry.tag, entry.value)
            for entry in entries
        )
        self.learnt: dict[Encoding, Any] = {}

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
        """Return what happens to an element; an age that stays may be capped, whoever lets it stay."""
        found = self._rule(tag)
        return AGE_CAP if tag == PATIENT_AGE and found == KEEP and self._rules.caps_age else found

    def _rule(self, tag: int) -> Rule:
        entry = self._here.get(tag) if self._here else None
        if entry is not None:
            return _RULES[entry.operation]
        if tag in _OF_DOCUMENTS and not self._rules.names(tag):
            return self._of_document(tag)
        return self._otherwise(tag)

    def _of_document(self, tag: int) -> Rule:
        """Return what happens to what is said of a document: it stays true of one that is kept."""
        document = self.rule(ENCAPSULATED_DOCUMENT)
        if document == KEEP:
            return KEEP
        rule = self._otherwise(tag)
        if tag == _DOCUMENT_LENGTH and (document.action is not Action.DUMMY or rule == KEEP):
            return REMOVE  # wrong beside another document, and may be absent (PS3.3 C.24.2)
        return rule

    def unfit(self, tag: int) -> Rule:
        """Return what happens to a kept element whose value its VR cannot hold."""
        return KEEP if tag in self._here else self._rules.unfit(self._place, tag)

    def follows(self, tag: int) -> bool:
        """Tell whether the references in the items of a kept sequence follow what they lead to."""
        return self._rules.follows_in(self._place, tag)

    def of_item(self, tag: int, index: int) -> PlanScope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        kept = any(e.operation is Operation.KEEP and not e.parents and e.tag == tag for e in self._entries)
        place = KEPT if kept else self._rules.place_of_items(self._place, tag)
        entries = tuple(entry.entered() for entry in self._entries if entry.enters(tag, index))
        return self._scopes.scope(place, entries)

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether a path names items of this sequence by number."""
        return any(
            e.parents and e.parents[0][0] == tag and e.parents[0][1] is not None for e in self._entries
        )
