"""Scopes: which rules hold at the top level, in items, in kept subtrees and along paths (spec 3.7)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from dicomorph.deid.editions.resolution import ANYWHERE, Path, Resolver
from dicomorph.deid.identity import INSTANCE_UIDS, MAPPED
from dicomorph.deid.private_tags import Creator
from dicomorph.deid.requests.nested_paths import Operation, PathEntry
from dicomorph.deid.requests.nested_values import with_paths_inside
from dicomorph.dicom.engine.block_characteristics import CHARACTERISTICS
from dicomorph.dicom.engine.edit_plan import (
    APPEND,
    EMPTY,
    FOLLOW,
    JUDGE,
    KEEP,
    REMOVE,
    REPLACE,
    Action,
    PrivateJudge,
    Rule,
)
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.engine.reference_tree import ORIGINAL_ATTRIBUTES_SEQUENCE, SINGLE_REFERENCES
from dicomorph.dicom.standard.dictionary import is_private
from dicomorph.dicom.standard.tags import PATIENT_NAME
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.values.leaves import ENCAPSULATED_DOCUMENT
from dicomorph.dicom.values.pixel_values import may_depend_on_sign
from dicomorph.model.resources import Json

_REMEMBERED = 20_000
_MIME_TYPE, _LIST_OF_MIME_TYPES, _DOCUMENT_LENGTH = 0x00420012, 0x00420014, 0x00420015
_OF_DOCUMENTS = frozenset((_MIME_TYPE, _LIST_OF_MIME_TYPES, _DOCUMENT_LENGTH))
_NOTHING: Mapping[int, Json] = MappingProxyType({})
_AS_THEY_ARE: Mapping[int, int | None] = MappingProxyType({})


class Place(NamedTuple):
    """Where a data set stands, as far as rules depend on it.

    Parameters
    ----------
    path : Path
        As the edition tells places apart (`Resolver.place`).
    is_kept : bool
        Whether it lies in a subtree that the request keeps.
    """

    path: Path
    is_kept: bool = False


_TOP = Place(())
_KEPT = Place(ANYWHERE, is_kept=True)


@dataclass(eq=False, kw_only=True)
class Rules:
    """The rules of a plan, by place: those of the request, and behind them those of the edition.

    Parameters
    ----------
    edition : Resolver, optional
        None for a mere modification.
    sop_class : str
        Of the instances, where the edition depends on it.
    removes_private : bool
        Whether private tags go, at every depth.
    mapped : frozenset[int]
        Top-level UIDs that get new values even in a mere modification.
    kept : frozenset[int]
        Top-level tags named in Keep: with their subtree, where they are sequences.
    removed : frozenset[int]
        Top-level tags named in Remove.
    replaced, appended : frozenset[int]
        Top-level tags that get new values, or further ones. The values are none of the rules' business.
    follows : bool
        Whether references follow what they lead to, where nothing is said of them.
    creator : Creator, optional
        Whose the private tags of the request are.
    checks_values : bool
        Whether values go that their VR cannot hold, where the request does not keep them.
    judge : PrivateJudge, optional
        Where private tags go: who tells which of them stay all the same.
    """

    edition: Resolver | None
    sop_class: str
    removes_private: bool
    mapped: frozenset[int]
    kept: frozenset[int]
    removed: frozenset[int]
    replaced: frozenset[int]
    appended: frozenset[int] = frozenset()
    follows: bool = False
    creator: Creator | None = None
    checks_values: bool = False
    judge: PrivateJudge | None = None
    _scopes: dict[tuple[Place, tuple[tuple[object, ...], ...]], PlanScope] = field(default_factory=dict)
    _decided_top: Mapping[int, Rule] = field(init=False)
    _decided_in_items: Mapping[int, Rule] = field(init=False)

    def __post_init__(self) -> None:
        """Put together what the request decides: Keep over Replace over the rest (spec 3.1)."""
        removed = dict.fromkeys(self.removed, REMOVE)
        self._decided_top = {
            **(dict.fromkeys(SINGLE_REFERENCES, FOLLOW) if self.follows else {}),
            **{tag: MAPPED[tag] for tag in self.mapped},
            **dict.fromkeys(self.appended, APPEND),
            **removed,
            **dict.fromkeys(self.replaced, REPLACE),
            **dict.fromkeys(self.kept, KEEP),
        }
        # Replace leaves copies further down to the edition; so does Keep of a UID of the
        # instance's own, as in Orthanc. A private tag is kept where it was named and no deeper.
        kept = (tag for tag in self.kept - INSTANCE_UIDS if not is_private(tag))
        self._decided_in_items = {**removed, **dict.fromkeys(kept, KEEP)}

    def names(self, tag: int) -> bool:
        """Tell whether the request itself speaks of a tag, paths aside."""
        return tag in self.kept or tag in self.removed or tag in self.replaced

    def root(self, entries: tuple[PathEntry, ...]) -> PlanScope:
        """Return the scope of the top level."""
        return PlanScope(self, _TOP, entries)

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
        # In what is kept, names go, and comments in icons.
        return self.edition is not None or (self.removes_private and not place.is_kept)

    def rule_of(self, place: Place) -> Callable[[int], Rule]:
        """Return what answers for a tag at a place, paths aside."""
        if place == _TOP:
            return self._top_rule
        if place.is_kept:
            return self._kept_rule
        return lambda tag: self._nested_rule(tag, place.path)

    def _kept_rule(self, tag: int) -> Rule:
        name_in_clear = tag == PATIENT_NAME and self.edition is not None and tag not in self.kept
        return EMPTY if name_in_clear else KEEP

    def _nested_rule(self, tag: int, path: Path) -> Rule:
        found = self._private_rule(tag)
        if found is not None:
            return found
        if self.edition is None:
            return KEEP
        return self._decided_in_items.get(tag) or self.edition.resolve(tag, path, self.sop_class)

    def _top_rule(self, tag: int) -> Rule:
        found = self._decided_top.get(tag)
        if found is not None:
            return found
        found = self._private_rule(tag)
        if found is not None:
            return found
        return self.edition.resolve(tag, (), self.sop_class) if self.edition else KEEP

    def unfit(self, place: Place, tag: int) -> Rule:
        """Return what happens to a value that its VR cannot hold; what the request keeps, stays."""
        decided = self._decided_top if place == _TOP else self._decided_in_items
        if self.edition is None or place.is_kept or tag in decided:
            return KEEP
        return self.edition.unfit(tag, place.path, self.sop_class)

    def _private_rule(self, tag: int) -> Rule | None:
        """Return what happens to private elements where they go, and to what speaks of them."""
        if not self.removes_private:
            return None
        if self.judge is not None and (is_private(tag) or tag == CHARACTERISTICS):
            return JUDGE
        return REMOVE if is_private(tag) else None

    def follows_in(self, place: Place, tag: int) -> bool:
        """Tell whether references in a sequence follow; what is history stays."""
        return self.follows and place == _TOP and tag not in self.kept and tag != ORIGINAL_ATTRIBUTES_SEQUENCE

    def claims(self, place: Place, entries: tuple[PathEntry, ...]) -> PrivateClaims | None:
        """Return the private tags that the request names at a place, as far as it says whose they are."""
        if self.creator is None:
            return None
        if place == _TOP:
            return self.creator.claims(entries, kept=self.kept, removed=self.removed, replaced=self.replaced)
        reaches_items = self.edition is not None and not self.removes_private and not place.is_kept
        removed = self.removed if reaches_items else frozenset[int]()
        return self.creator.in_items(entries).claims(entries, removed=removed)

    def place_of_items(self, place: Place, tag: int) -> Place:
        """Return where the items of a sequence stand, paths aside."""
        if place.is_kept or (place == _TOP and tag in self.kept):
            return _KEPT
        if self.edition is None:
            return Place(ANYWHERE)
        return Place(self.edition.place((*place.path, tag), self.sop_class))


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
        """Return what happens to an element."""
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
        if tag == _DOCUMENT_LENGTH and document.action is not Action.DUMMY:
            return REMOVE  # wrong beside another document, and may be absent (PS3.3 C.24.2)
        return self._otherwise(tag)

    def unfit(self, tag: int) -> Rule:
        """Return what happens to a kept element whose value its VR cannot hold."""
        return KEEP if tag in self._here else self._rules.unfit(self._place, tag)

    def follows(self, tag: int) -> bool:
        """Tell whether the references in the items of a kept sequence follow what they lead to."""
        return self._rules.follows_in(self._place, tag)

    def of_item(self, tag: int, index: int) -> PlanScope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        kept = any(e.operation is Operation.KEEP and not e.parents and e.tag == tag for e in self._entries)
        place = _KEPT if kept else self._rules.place_of_items(self._place, tag)
        entries = tuple(entry.entered() for entry in self._entries if entry.enters(tag, index))
        return self._rules.scope(place, entries)

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether a path names items of this sequence by number."""
        return any(
            e.parents and e.parents[0][0] == tag and e.parents[0][1] is not None for e in self._entries
        )
