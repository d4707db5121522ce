"""The rules for a data set whose character set is declared in spite of the request, or kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dicomorph.dicom.engine.edit_plan import Rule, Scope
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.standard.tags import SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.model.resources import Json


class DeclaredScope:
    """The scope of the top level, with another rule for SpecificCharacterSet.

    Parameters
    ----------
    scope : Scope
        The rules for everything else.
    rule : Rule
        What happens to SpecificCharacterSet.
    """

    def __init__(self, scope: Scope, rule: Rule) -> None:
        self._scope = scope
        self._rule = rule
        self.replacements: Mapping[int, Json] = scope.replacements
        self.written_as: Mapping[int, int | None] = scope.written_as
        self.claims: PrivateClaims | None = scope.claims
        self.looks_ahead = scope.looks_ahead
        self.cleans_frames = scope.cleans_frames
        self.checks_values = scope.checks_values
        self.judge = scope.judge
        self.learnt: dict[Encoding, Any] = {}

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element."""
        return self._rule if tag == SPECIFIC_CHARACTER_SET else self._scope.rule(tag)

    def unfit(self, tag: int) -> Rule:
        """Return what happens to a kept element whose value its VR cannot hold."""
        return self._scope.unfit(tag)

    def of_item(self, tag: int, index: int) -> Scope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        return self._scope.of_item(tag, index)

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether a path names items of this sequence by number."""
        return self._scope.differs_by_index(tag)

    def follows(self, tag: int) -> bool:
        """Tell whether the references in the items of a kept sequence follow what they lead to."""
        return self._scope.follows(tag)
