"""The rules of a plan by place: what a request decides, and behind it an edition (spec 3.1, 3.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dicomorph.deid.editions.resolution import ANYWHERE, Path, Resolver
from dicomorph.deid.identity import INSTANCE_UIDS, MAPPED
from dicomorph.deid.private_tags import Creator
from dicomorph.deid.requests.nested_paths import PathEntry
from dicomorph.dicom.engine.block_characteristics import CHARACTERISTICS
from dicomorph.dicom.engine.edit_plan import (
    APPEND,
    EMPTY,
    FOLLOW,
    JUDGE,
    KEEP,
    REMOVE,
    REPLACE,
    PrivateJudge,
    Rule,
)
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.engine.reference_tree import ORIGINAL_ATTRIBUTES_SEQUENCE, SINGLE_REFERENCES
from dicomorph.dicom.standard.dictionary import is_private
from dicomorph.dicom.standard.tags import PATIENT_NAME


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


TOP = Place(())
KEPT = Place(ANYWHERE, is_kept=True)


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
    caps_age : bool
        Whether ages above 89 years are written as 90.
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
    caps_age: bool = False
    judge: PrivateJudge | None = None
    _decided_top: Mapping[int, Rule] = field(init=False)
    _decided_in_items: Mapping[int, Rule] = field(init=False)
    _staying_at_top: frozenset[int] = field(init=False)

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
        self._staying_at_top = self.kept | self.replaced

    def names(self, tag: int) -> bool:
        """Tell whether the request itself speaks of a tag, paths aside."""
        return tag in self.kept or tag in self.removed or tag in self.replaced

    def changes(self, place: Place) -> bool:
        """Tell whether anything changes at a place that no path leads to."""
        # In what is kept, names go, and comments in icons.
        return self.edition is not None or (self.removes_private and not place.is_kept)

    def rule_of(self, place: Place) -> Callable[[int], Rule]:
        """Return what answers for a tag at a place, paths aside."""
        if place == TOP:
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
            return self._decided_in_items.get(tag, found) if found == JUDGE else found
        if self.edition is None:
            return KEEP
        found = self._decided_in_items.get(tag)
        return found or self.edition.resolve(tag, path, self.sop_class, self.kept)

    def _top_rule(self, tag: int) -> Rule:
        found = self._decided_top.get(tag)
        if found is not None:
            return found
        found = self._private_rule(tag)
        if found is not None:
            return found
        if self.edition is None:
            return KEEP
        return self.edition.resolve(tag, (), self.sop_class, self._staying_at_top)

    def unfit(self, place: Place, tag: int) -> Rule:
        """Return what happens to a value that its VR cannot hold; what the request keeps, stays.

        So does what is private, unless it was judged, with its value.
        """
        decided = self._decided_top if place == TOP else self._decided_in_items
        if self.edition is None or place.is_kept or tag in decided or is_private(tag):
            return KEEP
        return self.edition.unfit(tag, place.path, self.sop_class)

    def _private_rule(self, tag: int) -> Rule | None:
        """Return what happens to private elements where they go, and to what speaks of them."""
        # Orthanc's editions leave what describes private elements.
        is_concerned = is_private(tag) or (tag == CHARACTERISTICS and self.checks_values)
        if not self.removes_private or not is_concerned:
            return None
        return REMOVE if self.judge is None else JUDGE

    def follows_in(self, place: Place, tag: int) -> bool:
        """Tell whether references in a sequence follow; what is history stays."""
        return self.follows and place == TOP and tag not in self.kept and tag != ORIGINAL_ATTRIBUTES_SEQUENCE

    def claims(self, place: Place, entries: tuple[PathEntry, ...]) -> PrivateClaims | None:
        """Return the private tags that the request names at a place, as far as it says whose they are."""
        if self.creator is None:
            return None
        if place == TOP:
            return self.creator.claims(entries, kept=self.kept, removed=self.removed, replaced=self.replaced)
        may_stay = not self.removes_private or self.judge is not None
        reaches_items = self.edition is not None and may_stay and not place.is_kept
        removed = self.removed if reaches_items else frozenset[int]()
        return self.creator.in_items(entries).claims(entries, removed=removed)

    def place_of_items(self, place: Place, tag: int) -> Place:
        """Return where the items of a sequence stand, paths aside."""
        if place.is_kept or (place == TOP and tag in self.kept):
            return KEPT
        if self.edition is None:
            return Place(ANYWHERE)
        return Place(self.edition.place((*place.path, tag), self.sop_class))
