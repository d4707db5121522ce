"""Questions to the editions of the profile, by keyword."""

from __future__ import annotations

from dicomorph.deid.editions.editions import NEWEST_EDITION, resolver_of
from dicomorph.deid.editions.options import Choice, Option
from dicomorph.deid.editions.resolution import Path
from dicomorph.dicom.engine.edit_plan import Action, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import tag_of

_STORAGE = "1.2.840.10008.5.1.4.1.1."
CR, CT, MR, ENHANCED_CT = _STORAGE + "1", _STORAGE + "2", _STORAGE + "4", _STORAGE + "2.1"
PRESENTATION, SEGMENTATION, SR = _STORAGE + "11.1", _STORAGE + "66.4", _STORAGE + "88.22"
STRUCTURES, PLAN, SLIDE = _STORAGE + "481.3", _STORAGE + "481.5", _STORAGE + "77.1.6"
HANGING_PROTOCOL, CDA = "1.2.840.10008.5.1.4.38.1", _STORAGE + "104.2"
ECHO_REPORT = _STORAGE + "88.72"
UNKNOWN = "1.2.3.4"
MAPPED = Rule(Action.MAP, Namespace.INSTANCE)


def tag(keyword: str) -> int:
    found = tag_of(keyword)
    assert found is not None, keyword
    return found


def answer(dotted: str, sop_class: str, choice: Choice | None = None, edition: str = NEWEST_EDITION) -> Rule:
    """Return the rule for an attribute, its sequences before it, as a walk from above comes to it."""
    *sequences, last = map(tag, dotted.split("."))
    resolver = resolver_of(edition, choice)
    path: Path = ()
    for sequence in sequences:
        path = resolver.place((*path, sequence), sop_class)
    return resolver.resolve(last, path, sop_class)


def keeping(*options: Option) -> Choice:
    return Choice(options=frozenset(options))
