"""Judging a product: what was to go, what was to stay, what a valid object needs, place by place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydicom.valuerep import VALIDATORS

from tests.dicom_factory import EXPLICIT
from tests.profile.expectation import EMPTY, ETHICS_COMMITTEE_NAME, KEPT, SETTLED, Expectations, Outcome
from tests.profile.facts import Path, types, vr_of
from tests.profile.objects import Built, Key
from tests.profile.readings import Read, Reading

_TOKENS = re.compile(rb"ZQ\d{5}QZ|[0-9.]{8,}")
# Whose an instance is, which every product says, a palette's as well: it lies in a study.
_IDENTITY = {0x00100010, 0x00100020, 0x0020000D, 0x0020000E}
# What the marks of de-identification add (PS3.15 E.1.1), if need be in places of their own.
MARKS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
_GRAPHIC_ANNOTATION_SEQUENCE = 0x00700001
_MIME_TYPES_OF_PARTS = 0x00420014
_GO_WITH_THEIR_MODULES = {
    *(_GRAPHIC_ANNOTATION_SEQUENCE, _MIME_TYPES_OF_PARTS, ETHICS_COMMITTEE_NAME),
    *SETTLED,
}
_CONTENT_SEQUENCE, _OF_ANY_CONTENT_ITEM = 0x0040A730, {0x0040A010, 0x0040A040}
_OVERLAYS = 0x60
_REQUIRED, _REQUIRED_IF_THERE = {"1", "2"}, {"1", "1C", "2", "2C"}
_TEXTS = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI", "UR"}
_SIZES = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
_NUMBERS = {"FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV"}


@dataclass
class Verdict:
    """What is wrong with a product, by place; nothing, if all is empty.

    Parameters
    ----------
    leaks : set[str]
        Where something survives that the profile takes away, or its bytes do elsewhere.
    over_removed : set[str]
        Where something is lost that stays.
    wrong : set[str]
        Where the outcome is another one than the action asks for.
    invalid : set[str]
        Slots that must hold something, or be there, and do not.
    added : set[str]
        What was not there, and is no mark.
    """

    leaks: set[str] = field(default_factory=set)
    over_removed: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    invalid: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.leaks or self.over_removed or self.wrong or self.invalid or self.added)


def path_of(key: Key) -> Path:
    """Return the sequences around an element."""
    return key[:-1:2]


def shown(key: Key) -> str:
    """Return a place as a reader finds it."""
    return "/".join(f"{tag:08X}" for tag in (*path_of(key), key[-1]))


def judged(built: Built, product: bytes, expectations: Expectations, syntax: str = EXPLICIT) -> Verdict:
    """Return what is wrong with the product of an instance."""
    before, after = Reading(built.file(syntax)).elements, Reading(product)
    verdict = Verdict()
    kept: set[Key] = {()}
    for key in built.keys:
        if key[:-2] not in kept and len(key) > 1:
            continue  # its sequence goes; whether it has gone, tokens tell
        expected = expectations.of(built.sop_class, path_of(key), key[-1])
        seen = _outcomes(before[key], after.elements.get(key))
        _note(verdict, key, seen, expected)
        if Outcome.KEPT in (seen & expected if vr_of(key[-1]) == "SQ" else expected):
            kept.add(key)
    survivors = {match.decode("ascii") for match in _TOKENS.findall(product)}
    verdict.leaks |= {
        shown(key) for token, key in built.tokens.items() if token in survivors and key not in kept
    }
    verdict.invalid = {*_invalid(built, after, kept), *_misfits(before, after)}
    verdict.added = {
        shown(key)
        for key in after.elements
        if key not in before and key[:-2] in kept and MARKS.isdisjoint({key[0], key[-1]})
        if key not in {(tag,) for tag in _IDENTITY}
    }
    return verdict


def _outcomes(before: Read, after: Read | None) -> frozenset[Outcome]:
    """Return what became of an element; of a sequence with items only what is in them tells more."""
    if after is None:
        return frozenset({Outcome.GONE})
    if before.vr == "SQ":
        return frozenset({Outcome.KEPT, Outcome.OTHER}) if after.items else EMPTY
    if not after.value:
        return EMPTY
    return frozenset({Outcome.KEPT if after.value == before.value else Outcome.OTHER})


def _note(verdict: Verdict, key: Key, seen: frozenset[Outcome], expected: frozenset[Outcome]) -> None:
    if seen & expected:
        return
    where = f"{shown(key)}: {_names(seen)} instead of {_names(expected)}"
    if Outcome.KEPT in seen:
        verdict.leaks.add(where)
    elif expected == KEPT:
        verdict.over_removed.add(where)
    else:
        verdict.wrong.add(where)


def _names(outcomes: frozenset[Outcome]) -> str:
    return " or ".join(sorted(outcome.value for outcome in outcomes))


def _invalid(built: Built, after: Reading, kept: set[Key]) -> Iterator[str]:
    """Return the slots that miss something.

    In data sets that were there, whatever is required was there, conditional or not; in items that
    the product wrote, only what is required in any case.
    """
    there = set(built.keys)
    for place in after.data_sets():
        is_old = not place or place[:-1] in kept
        for tag, (kind, _) in types().at(built.sop_class, place[::2]).items():
            key = (*place, tag)
            if kind not in (_REQUIRED_IF_THERE if is_old else _REQUIRED) or _goes_with_its_module(tag):
                continue
            if is_old and key not in there:
                continue
            if not is_old and path_of(key)[-1] == _CONTENT_SEQUENCE and tag not in _OF_ANY_CONTENT_ITEM:
                continue  # what else is required depends on the type of its value
            missing = _missing(after.elements.get(key), may_be_empty=kind[0] == "2")
            if missing:
                yield f"{shown(key)}: type {kind}, {missing}"


def _misfits(before: dict[Key, Read], after: Reading) -> Iterator[str]:
    """Return the values that were written and that their VR, or the dictionary's, cannot hold."""
    for key, read in after.elements.items():
        if before.get(key) == read or not read.value:
            continue
        if read.vr != (before[key].vr if key in before else vr_of(key[-1])):
            yield f"{shown(key)}: written as {read.vr}"
        elif read.vr in _TEXTS:
            values = read.value.decode("ascii").rstrip(" \0").split("\\")
            validator: Callable[[str, str], tuple[bool, str]] = VALIDATORS[read.vr]
            if not all(validator(read.vr, value)[0] for value in values):
                yield f"{shown(key)}: no value of {read.vr}"
        elif len(read.value) % _SIZES.get(read.vr, 1):
            yield f"{shown(key)}: {len(read.value)} bytes of {read.vr}"


def _goes_with_its_module(tag: int) -> bool:
    return tag >> 24 == _OVERLAYS or tag in _GO_WITH_THEIR_MODULES


def _missing(found: Read | None, *, may_be_empty: bool) -> str:
    """Return what a required element lacks; zeros are values where they are numbers."""
    if found is None:
        return "absent"
    holds = found.items or (found.value if found.vr in _NUMBERS else found.value.strip(b" \0"))
    return "" if holds or may_be_empty else "empty"
