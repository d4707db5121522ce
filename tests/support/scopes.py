"""Rules for the engine without any profile: by tag, the same in all items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dicomorph.dicom.engine.edit_plan import KEEP, REMOVE, EditPlan, Rule
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.resources import Json
from tests.support.edits import KEY


class ItemScope:
    """Rules by tag for the items of all sequences; what is not named is kept.

    Parameters
    ----------
    rules : Mapping[int, Rule]
        What happens to an element.
    unfitting : Mapping[int, Rule], optional
        What happens to kept ones whose values their VR cannot hold; without it, nobody looks. What it
        does not name goes.
    """

    looks_ahead = False
    cleans_frames = True
    claims: PrivateClaims | None = None
    replacements: Mapping[int, Json] = {}
    written_as: Mapping[int, int | None] = {}

    def __init__(self, rules: Mapping[int, Rule], unfitting: Mapping[int, Rule] | None = None) -> None:
        self.rules = rules
        self.checks_values = unfitting is not None
        self.unfitting = unfitting or {}
        self.learnt: dict[Encoding, Any] = {}

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element."""
        return self.rules.get(tag, KEEP)

    def unfit(self, tag: int) -> Rule:
        """Return what happens to a kept element whose value its VR cannot hold."""
        return self.unfitting.get(tag, REMOVE)

    def of_item(self, tag: int, index: int) -> ItemScope | None:  # noqa: ARG002 - all are alike
        """Return the rules for the items of any sequence."""
        return self

    def differs_by_index(self, tag: int) -> bool:  # noqa: ARG002
        """Tell that no path names items by number."""
        return False

    def follows(self, tag: int) -> bool:  # noqa: ARG002
        """Tell that references stay."""
        return False


class TopScope(ItemScope):
    """Rules by tag for the top level.

    Parameters
    ----------
    rules, in_items : Mapping[int, Rule]
        What happens to an element there, and in items: the same unless that is given.
    unfitting : Mapping[int, Rule], optional
        As for `ItemScope`.
    """

    def __init__(
        self,
        rules: Mapping[int, Rule],
        in_items: Mapping[int, Rule] | None = None,
        unfitting: Mapping[int, Rule] | None = None,
    ) -> None:
        super().__init__(rules, unfitting)
        self._items = ItemScope(rules if in_items is None else in_items, unfitting)

    def of_item(self, tag: int, index: int) -> ItemScope | None:  # noqa: ARG002 - as above
        """Return the rules for the items of any sequence."""
        return self._items


def ruled(
    rules: Mapping[int, Rule],
    *,
    in_items: Mapping[int, Rule] | None = None,
    unfitting: Mapping[int, Rule] | None = None,
    key: bytes = KEY,
    copy: int = 0,
    one_namespace: bool = True,
    **more: Any,
) -> Rewriter:
    """Return the engine for rules by tag, as an anonymization.

    Parameters
    ----------
    more : Any
        Of `EditPlan`.
    """
    plan = EditPlan(
        root=TopScope(rules, in_items, unfitting),
        replace=more.pop("replace", {}),
        default={},
        required=more.pop("required", frozenset()),
        encoder=ValueEncoder(),
        references=more.pop("references", {}),
        is_anonymization=True,
        one_namespace=one_namespace,
        **more,
    )
    mapper = IdentityMapper(key, copy=copy, one_namespace=one_namespace)
    return Rewriter(plan, mapper, default_encoding="Latin1")
