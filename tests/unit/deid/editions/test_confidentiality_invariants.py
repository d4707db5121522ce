"""What holds for every row of the table, in every SOP class and at every place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dicomorph.deid.editions.confidentiality import ALWAYS_REMOVED
from dicomorph.deid.editions.dummies import UNKNOWN_CODE
from dicomorph.deid.editions.editions import NEWEST_EDITION, resolver_of
from dicomorph.deid.editions.iod_types import Requirement, iod_types
from dicomorph.deid.editions.options import Choice, Option
from dicomorph.deid.editions.profile_table import beyond_the_table, profile_rows
from dicomorph.deid.editions.replaced_content import dependent_attributes
from dicomorph.deid.editions.resolution import ANYWHERE, Path, Resolver
from dicomorph.dicom.engine.edit_plan import KEEP, NO_VALUE, REMOVE, Action, Rule
from dicomorph.dicom.standard.dictionary import vr_of
from tests.support.editions import CR, ENHANCED_CT, SEGMENTATION, SLIDE, SR, STRUCTURES, keeping

ROWS, BEYOND, TYPES = profile_rows(NEWEST_EDITION), beyond_the_table(), iod_types()
NAMED = [*ROWS, *BEYOND]
REQUIRED = {Requirement.VALUE, Requirement.PRESENCE}
GRAPHIC_ANNOTATION, REFERENCED_STUDY, PATIENT_ID = 0x00700001, 0x00081110, 0x00100020
CODE_VALUE = 0x00080100
CHOICES = [Choice(), *(keeping(option) for option in Option)]
SAMPLED = (CR, ENHANCED_CT, SEGMENTATION, SR, STRUCTURES, SLIDE)


def walked(resolver: Resolver, sop_class: str, path: Path = ()) -> Iterator[Path]:
    """Yield all places of a SOP class that something kept leads to."""
    yield path
    for tag in TYPES.attributes(path, sop_class):
        if vr_of(tag) == "SQ" and resolver.resolve(tag, path, sop_class) == KEEP:
            place = resolver.place((*path, tag), sop_class)
            if place != ANYWHERE:
                yield from walked(resolver, sop_class, place)


def wrong(tag: int, rule: Rule, requirement: Requirement, options: frozenset[Option]) -> str:
    """Return what a rule does that it may not: break an object, or keep what the table lets nobody keep."""
    if tag in ALWAYS_REMOVED or tag < 0x00080000:
        return "" if rule == REMOVE else "stays though it always goes"
    # Required by a condition, or a module, that goes with it.
    spared = tag in dependent_attributes() or tag == GRAPHIC_ANNOTATION
    if rule == REMOVE and requirement in REQUIRED and not spared:
        return "removed though required"
    if rule == NO_VALUE and requirement is Requirement.VALUE:
        return "emptied though a value is required"
    if rule.action is Action.MAP and vr_of(tag) != "UI" and tag != PATIENT_ID:
        return "mapped though no identifier"
    row = ROWS.get(tag)
    said = {row.options[option] for option in options if option in row.options} if row else set()
    basic = row.basic if row else BEYOND[tag].action if tag in BEYOND else "K"
    if said == {"K"}:
        return "" if rule == KEEP else "goes though an option keeps it"
    follows = tag == REFERENCED_STUDY and requirement is Requirement.VALUE
    by_option = tag in BEYOND and basic == "U" and Option.RETAIN_UIDS in options
    may_stay = basic in {"K", "X/Z/U*"} or follows or by_option
    return "stays" if rule == KEEP and not may_stay else ""


def violations(choice: Choice, sop_class: str, step: int) -> list[tuple[int, Path, str]]:
    """Return what is wrong with all that a SOP class defines, and with what it does not.

    Of that, one in so many is tried at each place: never the same ones at two places that follow.
    """
    resolver = resolver_of(NEWEST_EDITION, choice)
    found = []
    for number, path in enumerate(walked(resolver, sop_class)):
        tags = {*TYPES.attributes(path, sop_class), *(NAMED[number % step :: step] if path else NAMED)}
        for tag in tags:
            rule = resolver.resolve(tag, path, sop_class)
            requirement = TYPES.requirement(tag, path, sop_class)
            found.append((tag, path, wrong(tag, rule, requirement, choice.options)))
    assert len(found) > len(NAMED)
    return [one for one in found if one[-1]]


@pytest.mark.parametrize(
    ("sop_class", "choice"), [*zip(SAMPLED, CHOICES, strict=False), *((c, Choice()) for c in SAMPLED[1:])]
)
def test_no_rule_makes_an_object_invalid_or_keeps_what_must_go(sop_class: str, choice: Choice) -> None:
    assert violations(choice, sop_class, step=150) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "choice", CHOICES, ids=lambda choice: "+".join(o.name for o in choice.options) or "basic"
)
def test_no_rule_makes_any_object_invalid_or_keeps_what_must_go(choice: Choice) -> None:
    assert {c: found for c in TYPES.sop_classes() if (found := violations(choice, c, step=60))} == {}


@pytest.mark.slow
def test_a_sequence_without_an_item_of_its_own_gets_a_code_and_holds_codes() -> None:
    resolver = resolver_of(NEWEST_EDITION)
    coded: set[tuple[int, Path]] = set()
    others: set[tuple[int, Path]] = set()
    for sop_class in TYPES.sop_classes():
        for path in walked(resolver, sop_class):
            for tag in TYPES.attributes(path, sop_class):
                dummy = resolver.resolve(tag, path, sop_class).dummy
                if vr_of(tag) == "SQ" and dummy is not None and dummy.value == [UNKNOWN_CODE]:
                    inside = TYPES.attributes((*path, tag), sop_class)
                    (coded if CODE_VALUE in inside else others).add((tag, path[-1:]))

    assert coded
    assert others == set()
