"""The rules for a data set in which private tags have other numbers than in the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dicomorph.dicom.engine.edit_plan import KEEP, REMOVE, REPLACE, Rule, Scope
from dicomorph.dicom.engine.private_blocks import PrivateClaims, Relocation, stranger
from dicomorph.dicom.standard.dictionary import is_private_creator
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.model.resources import Json


class RelocatedScope:
    """A scope that is asked by the tags of a data set, and asks another by those of the request.

    Parameters
    ----------
    scope : Scope
        The rules, by the tags of the request.
    relocation : Relocation
        What these are called here.
    replacements : Mapping[int, Json]
        The values of `Action.REPLACE`, by the tags of the request.
    """

    looks_ahead = False
    claims: PrivateClaims | None = None

    def __init__(self, scope: Scope, relocation: Relocation, replacements: Mapping[int, Json]) -> None:
        self._scope = scope
        self._names = {**dict(relocation.again), **dict(relocation.names)}
        self._reserved = dict(relocation.reserved)
        self._kept = relocation.kept
        self._replaced = relocation.replaced
        tags = {name: tag for tag, name in relocation.names if name != stranger(tag)}
        self.replacements: Mapping[int, Json] = {
            **{tags.get(name, name): value for name, value in replacements.items()},
            **self._reserved,
        }
        self.written_as: Mapping[int, int | None] = {
            **{tag: None if is_private_creator(tag) else name for name, tag in tags.items()},
            **dict.fromkeys(self._reserved),
        }
        self.cleans_frames = scope.cleans_frames
        self.checks_values = scope.checks_values
        self.judge = scope.judge
        self.learnt: dict[Encoding, Any] = {}

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element."""
        if tag in self._reserved:
            return REPLACE
        if tag in self._replaced:
            return REMOVE
        return KEEP if tag in self._kept else self._scope.rule(self._names.get(tag, tag))

    def unfit(self, tag: int) -> Rule:
        """Return what happens to a kept element whose value its VR cannot hold."""
        return KEEP if tag in self._kept else self._scope.unfit(self._names.get(tag, tag))

    def of_item(self, tag: int, index: int) -> Scope | None:
        """Return the rules for an item of a sequence, None if nothing in it changes."""
        return self._scope.of_item(self._names.get(tag, tag), index)

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether a path names items of this sequence by number."""
        return self._scope.differs_by_index(self._names.get(tag, tag))

    def follows(self, tag: int) -> bool:
        """Tell whether the references in the items of a kept sequence follow what they lead to."""
        return self._scope.follows(self._names.get(tag, tag))
