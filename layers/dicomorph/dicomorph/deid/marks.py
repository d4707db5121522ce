"""The marks of de-identification (spec 3.9; PS3.15 E.1.1, E.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from dicomorph.deid.editions.editions import is_conformant, method_of, resolver_of
from dicomorph.deid.editions.options import NO_CHOICE, Option
from dicomorph.deid.editions.resolution import Path, Resolver
from dicomorph.deid.requests.modification import Modification
from dicomorph.dicom.engine.edit_plan import AGE_CAP, KEEP, REMOVE, Action, Rule
from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.standard.tag_path import TagPath
from dicomorph.dicom.standard.tags import PATIENT_BIRTH_DATE, PATIENT_ID, PATIENT_NAME
from dicomorph.model.resources import Json

PATIENT_IDENTITY_REMOVED: Final = 0x00120062
DEIDENTIFICATION_METHOD: Final = 0x00120063
DEIDENTIFICATION_METHOD_CODES: Final = 0x00120064
LONGITUDINAL_INFORMATION_MODIFIED: Final = 0x00280303

_LONGEST_TEXT = 64  # characters of a value of LO (PS3.5 table 6.2-1)
_DATES = frozenset(("DA", "DT", "TM"))
_IDENTITY = frozenset((PATIENT_NAME, PATIENT_ID, PATIENT_BIRTH_DATE))
_BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
# PS3.16 CID 7050, edition 2026d.
_MEANINGS: Final = {
    Option.RETAIN_UIDS: "Retain UIDs Option",
    Option.RETAIN_DEVICE_IDENTITY: "Retain Device Identity Option",
    Option.RETAIN_INSTITUTION_IDENTITY: "Retain Institution Identity Option",
    Option.RETAIN_PATIENT_CHARACTERISTICS: "Retain Patient Characteristics Option",
    Option.RETAIN_LONGITUDINAL_FULL_DATES: "Retain Longitudinal Temporal Information Full Dates Option",
    Option.RETAIN_SAFE_PRIVATE: "Retain Safe Private Option",
}
_UNKNOWN_CLASS = ""  # what holds for it holds for all: it keeps, and replaces, the most


class Marks(NamedTuple):
    """Top-level values that a request writes though it names none of them.

    Parameters
    ----------
    replace : dict[int, Json]
        What takes the place of what a file has.
    appended : dict[int, Json]
        What is added to it.
    """

    replace: dict[int, Json]
    appended: dict[int, Json]


def marks_of(modification: Modification, name: str, software: str) -> Marks:
    """Return the name and the marks of an anonymization, unless the request speaks of them.

    Parameters
    ----------
    name : str
        The new PatientName, where one is needed.
    software : str
        What DeidentificationMethod names, with its version.
    """
    conformant = is_conformant(modification.edition)
    marks = _conformant_marks(modification, software) if conformant else _orthancs(modification, software)
    if modification.needs_name:
        marks.replace[PATIENT_NAME] = name
    spoken_of = modification.kept_tags | modification.removed_tags | modification.replaced_tags.keys()
    replace, appended = (
        {tag: value for tag, value in values.items() if tag not in spoken_of} for values in marks
    )
    return Marks(replace, appended)


def _orthancs(modification: Modification, software: str) -> Marks:
    method = software
    overridden = (
        modification.keep or modification.remove or modification.replace or modification.keep_private_tags
    )
    if not overridden:
        method += f" - {method_of(modification.edition)}"
    return Marks({PATIENT_IDENTITY_REMOVED: "YES", DEIDENTIFICATION_METHOD: method}, {})


def _conformant_marks(modification: Modification, software: str) -> Marks:
    """Return the marks that say no more than is true of the request."""
    replace: dict[int, Json] = {}
    listed = modification.choice.allow_list.tags if modification.choice.allow_list else frozenset[int]()
    if _IDENTITY.isdisjoint({path.tag for path in modification.keep} | listed):
        replace[PATIENT_IDENTITY_REMOVED] = "YES"
    appended: dict[int, Json] = {
        DEIDENTIFICATION_METHOD: software[:_LONGEST_TEXT],
        LONGITUDINAL_INFORMATION_MODIFIED: _what_became_of_dates(modification),
    }
    if _is_the_profile(modification):
        text = f"{software} - {method_of(modification.edition)}"
        appended[DEIDENTIFICATION_METHOD] = text[:_LONGEST_TEXT]
        appended[DEIDENTIFICATION_METHOD_CODES] = [
            {"0008,0100": code, "0008,0102": "DCM", "0008,0104": meaning}
            for code, meaning in _codes(modification)
        ]
    return Marks(replace, appended)


def _codes(modification: Modification) -> Iterator[tuple[str, str]]:
    yield _BASIC_PROFILE
    for option in sorted(modification.choice.options, key=lambda option: option.value):
        if option is not Option.RETAIN_UIDS or _keeps_all_uids(modification):
            yield option.value, _MEANINGS[option]


def _keeps_all_uids(modification: Modification) -> bool:
    return not any(_vr(path.tag) == "UI" for path in (*modification.replace, *modification.remove))


def _is_the_profile(modification: Modification) -> bool:
    """Tell whether nothing of the request retains more than the profile and its options do.

    A new value retains nothing where the profile has one as well, or leaves what the file has. What
    is in sequences that a request keeps, or writes, nobody looks at.
    """
    if modification.keep_private_tags:
        return False
    choice = modification.choice
    resolver = resolver_of(modification.edition, dataclasses.replace(choice, allow_list=None))
    if not all(_leaf_rule(path, resolver) in (KEEP, AGE_CAP) for path in modification.keep):
        return False
    replaced = (
        path for path, value in modification.replace.items() if value and path not in modification.keep
    )
    if any(_leaf_rule(path, resolver) in (REMOVE, None) for path in replaced):
        return False
    return choice.allow_list is None or _is_within_the_profile(modification.edition, choice.allow_list.tags)


def _is_within_the_profile(edition: str, tags: Iterable[int]) -> bool:
    """Tell whether the Basic Profile keeps what a list names, or gives it a new identifier, too."""
    basic = resolver_of(edition, NO_CHOICE)
    return all(basic.resolve(tag, (), _UNKNOWN_CLASS).action in (Action.KEEP, Action.MAP) for tag in tags)


def _leaf_rule(path: TagPath, resolver: Resolver) -> Rule | None:
    """Return what the profile does where a path ends; None for what it cannot say."""
    if is_private(path.tag) or _vr(path.tag) == "SQ":
        return None
    place: Path = ()
    for parent, _ in path.parents:
        place = resolver.place((*place, parent), _UNKNOWN_CLASS)
    return resolver.resolve(path.tag, place, _UNKNOWN_CLASS)


def _what_became_of_dates(modification: Modification) -> str:
    """Return the value of LongitudinalTemporalInformationModified (PS3.3 C.12.1)."""
    choice = modification.choice
    listed = choice.allow_list.tags if choice.allow_list is not None else frozenset[int]()
    # A sequence that is kept whole may hold dates.
    kept = {_vr(path.tag) for path in modification.keep} & (_DATES | {"SQ"})
    if (
        Option.RETAIN_LONGITUDINAL_FULL_DATES in choice.options
        or kept
        or any(_vr(tag) in _DATES for tag in listed)
    ):
        return "UNMODIFIED"
    replaced = any(_vr(path.tag) in _DATES for path in modification.replace)
    return "MODIFIED" if replaced else "REMOVED"


def _vr(tag: int) -> str:
    return "" if is_private(tag) else vr_of(tag)
