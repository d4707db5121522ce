"""The rules for a data set whose private elements were judged by whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dicomorph.dicom.engine.block_characteristics import CHARACTERISTICS
from dicomorph.dicom.engine.edit_plan import (
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
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.model.resources import Json


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
        self._rules: Mapping[int, Rule] | None = None
        self._items: dict[Scope, JudgedScope] = {}
        self.judge = inside if verdicts is None else None
        if verdicts is not None:
            self._rules = {CHARACTERISTICS: _described(verdicts), **dict(verdicts.rules)}
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
        if self._rules is None or rule.action is not Action.JUDGE:
            return rule
        return self._rules.get(tag, REMOVE)

    def unfit(self, tag: int) -> Rule:
        """Return what happens to an element that stays, if its VR cannot hold its value."""
        return self._scope.unfit(tag)

    def of_item(self, tag: int, index: int) -> Scope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        scope = self._scope.of_item(tag, index)
        if scope is None or scope.judge in (None, self._inside) or self._inside is None:
            return scope
        if scope not in self._items:
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
        for group, creator in verdicts.described
    ]
    return Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, items))
