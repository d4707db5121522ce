"""The rules for a data set whose private elements were judged by whose they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dicomorph.dicom.engine.block_characteristics import CHARACTERISTICS
from dicomorph.dicom.engine.edit_plan import (
    KEEP,
    REMOVE,
    Action,
    Dummy,
    DummyKind,
    PrivateJudge,
    Rule,
    Scope,
    Verdicts,
)
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.standard.dictionary import is_private_creator
from dicomorph.dicom.standard.private_blocks import block_of
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

_REMEMBERED = 1_000  # scopes: hostile files may have as many as they have items
_HEAVIEST = 1 << 16  # blocks and elements in these
_MOST = 1 << 15  # data sets of a file with verdicts of their own; each takes time


class JudgedScope:
    """A scope that answers for the private elements of one data set, and asks another for the rest.

    Parameters
    ----------
    scope : Scope
        The rules for everything else.
    inside : PrivateJudge or None
        Who judges in the items of this data set; None if that is for the scope to say.
    verdicts : Verdicts, optional
        What was found; None for a data set that is still to be judged, under what those around
        it say.
    """

    def __init__(self, scope: Scope, inside: PrivateJudge | None, verdicts: Verdicts | None = None) -> None:
        self._scope = scope
        self._inside = inside
        self._verdicts = verdicts
        self._owners = dict(verdicts.owners) if verdicts else {}
        self._exceptions = dict(verdicts.exceptions) if verdicts else {}
        self._items: dict[Scope, JudgedScope] = {}
        self.judge = inside if verdicts is None else None
        self.replacements: Mapping[int, Json] = scope.replacements
        self.written_as: Mapping[int, int | None] = scope.written_as
        self.claims: PrivateClaims | None = scope.claims if verdicts is None else None
        self.looks_ahead = scope.looks_ahead and verdicts is None
        self.cleans_frames = scope.cleans_frames
        self.checks_values = scope.checks_values
        self.learnt: dict[Encoding, Any] = {}

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element."""
        rule = self._scope.rule(tag)
        if self._verdicts is None or rule.action is not Action.JUDGE:
            return rule
        if tag == CHARACTERISTICS:
            return _described(self._verdicts)
        block = block_of(tag)
        creator = None if block is None else self._owners.get(block)
        if creator is None:
            return REMOVE
        if is_private_creator(tag):
            return KEEP
        return self._exceptions.get(tag) or self._verdicts.inside.rule(tag, creator)

    def unfit(self, tag: int) -> Rule:
        """Return what happens to an element that stays, if its VR cannot hold its value."""
        return self._scope.unfit(tag)

    def of_item(self, tag: int, index: int) -> Scope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        scope = self._scope.of_item(tag, index)
        if scope is None or scope.judge in (None, self._inside) or self._inside is None:
            return scope
        if scope not in self._items:
            if len(self._items) >= _REMEMBERED:
                self._items.clear()
            self._items[scope] = JudgedScope(scope, self._inside)
        return self._items[scope]

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether a path names items of this sequence by number."""
        return self._scope.differs_by_index(tag)

    def follows(self, tag: int) -> bool:
        """Tell whether the references in the items of a kept sequence follow what they lead to."""
        return self._scope.follows(tag)


def _described(verdicts: Verdicts) -> Rule:
    """Return what becomes of the sequence that describes private blocks: it names those that stay.

    What stays of them identifies nobody, and what was to be done has been done.
    """
    if not verdicts.described:
        return REMOVE
    items: list[Json] = [
        {
            "PrivateGroupReference": str(group),
            "PrivateCreatorReference": creator,
            "BlockIdentifyingInformationStatus": "SAFE",
        }
        for group, creator in sorted(verdicts.described)
    ]
    return Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, items))


class JudgedScopes:
    """The scopes of data sets that were judged, which are the same for the same verdicts.

    Parameters
    ----------
    forget : Callable[[], None]
        Called when they are forgotten, so that what else remembers them does not hold them.
    """

    def __init__(self, forget: Callable[[], None]) -> None:
        self._scopes: dict[tuple[Scope, Verdicts], JudgedScope] = {}
        self._forget = forget
        self._weight = 0
        self._made = 0

    def begin_file(self) -> None:
        """Count from here how many data sets of a file have verdicts that were not met before."""
        self._made = 0

    def scope(self, scope: Scope, verdicts: Verdicts | None) -> Scope:
        """Return the scope of a data set, given the one that has its other rules, and its verdicts.

        Raises
        ------
        BadFileFormatError
            If the file has more such data sets than anybody writes.
        """
        if verdicts is None:
            return scope
        key = scope, verdicts
        judged = self._scopes.get(key)
        if judged is None:
            if len(self._scopes) >= _REMEMBERED or self._weight > _HEAVIEST:
                self._scopes.clear()
                self._forget()
                self._weight = 0
            self._weight += verdicts.weight
            self._made += 1
            if self._made > _MOST:
                raise BadFileFormatError("Too many items have private elements like no other")
            judged = self._scopes[key] = JudgedScope(scope, verdicts.inside, verdicts)
        return judged
