"""What a request chooses of the profile: the member ``Profile`` of an anonymization (PS3.15 E.2, E.3).

Every fault is refused: what a request chooses in vain keeps, or removes, what nobody expects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.default_edition import edition_of
from dicomorph.deid.editions.editions import ALL_EDITIONS, is_conformant
from dicomorph.deid.editions.options import NO_CHOICE, Choice, Option
from dicomorph.model.errors import BadFileFormatError, BadRequestError, ParameterOutOfRangeError
from dicomorph.model.json_fields import read_boolean, read_text
from dicomorph.model.resources import Json
from dicomorph.model.settings import Settings

AllowLists: TypeAlias = Callable[[str], AllowList]
"""Finds a list by its name; raises `BadRequestError` if there is none."""

SAFE_HARBOR: Final = "SafeHarbor"
SAFE_HARBOR_EDITION: Final = "2026d"

_MEMBERS: Final = ("AgeCap", "AllowList", "Options", "Preset", "RefuseBurnedIn")
_FULL_DATES: Final = "RetainLongitudinalFullDates"
_OPTIONS: Final[Mapping[str, Option]] = {
    "RetainUIDs": Option.RETAIN_UIDS,
    "RetainDeviceIdentity": Option.RETAIN_DEVICE_IDENTITY,
    "RetainInstitutionIdentity": Option.RETAIN_INSTITUTION_IDENTITY,
    "RetainPatientCharacteristics": Option.RETAIN_PATIENT_CHARACTERISTICS,
    _FULL_DATES: Option.RETAIN_LONGITUDINAL_FULL_DATES,
    "RetainSafePrivate": Option.RETAIN_SAFE_PRIVATE,
}
_MODIFIED_DATES: Final = "RetainLongitudinalModifiedDates"
# Of PS3.16 CID 7050 as well: known, and not there yet.
_LATER: Final[Mapping[str, str]] = {
    _MODIFIED_DATES: "113107",
    "CleanDescriptors": "113105",
    "CleanStructuredContent": "113104",
    "CleanGraphics": "113103",
    "CleanPixelData": "113101",
    "CleanRecognizableVisualFeatures": "113102",
}
_NAMES_BY_CODE: Final = {
    **{option.value: name for name, option in _OPTIONS.items()},
    **{code: name for name, code in _LATER.items()},
}


class Chosen(NamedTuple):
    """An edition, and what is chosen of it."""

    edition: str
    choice: Choice


def read_profile(body: Mapping[str, Json], *, settings: Settings, allow_lists: AllowLists) -> Chosen:
    """Read ``DicomVersion`` and ``Profile`` of a request to anonymize.

    Raises
    ------
    BadFileFormatError
        If something has the wrong type.
    ParameterOutOfRangeError
        If the edition is unknown.
    BadRequestError
        For unknown members, options, presets and lists; for options that are not supported yet;
        for what contradicts itself or the edition.
    """
    edition = read_text(body, "DicomVersion", default=edition_of(settings))
    if edition not in ALL_EDITIONS:
        raise ParameterOutOfRangeError(f"Unknown DicomVersion; known are {', '.join(ALL_EDITIONS)}")
    members = _members(body)
    options = _options(members)
    age_cap = read_boolean(members, "AgeCap", default=False)
    refuses = read_boolean(members, "RefuseBurnedIn", default=settings.refuse_burned_in)
    is_safe_harbor = _is_safe_harbor(members)
    keeps_private = read_boolean(body, "KeepPrivateTags", default=False)
    name = read_text(members, "AllowList") if "AllowList" in members else None
    if is_safe_harbor:
        _check_safe_harbor(body, members, keeps_private=keeps_private)
        edition, age_cap, refuses = SAFE_HARBOR_EDITION, True, True
    if not is_conformant(edition):
        if members:
            raise BadRequestError("'Profile' is for editions from 2024b on: name one as 'DicomVersion'")
        return Chosen(edition, NO_CHOICE)
    if name is not None and (options or is_safe_harbor or keeps_private):
        raise BadRequestError("'AllowList' says what alone is kept: no option, preset or KeepPrivateTags")
    return Chosen(
        edition,
        Choice(
            options=options,
            age_cap=age_cap,
            allow_list=None if name is None else allow_lists(name),
            refuses_burned_in=refuses,
        ),
    )


def _members(body: Mapping[str, Json]) -> Mapping[str, Json]:
    members = body.get("Profile", {})
    if not isinstance(members, dict):
        raise BadFileFormatError("'Profile' must be an object")
    if members.keys() - set(_MEMBERS):  # which may be anything, and is not repeated
        raise BadRequestError(f"'Profile' has no members but {', '.join(_MEMBERS)}")
    return members


def _options(members: Mapping[str, Json]) -> frozenset[Option]:
    value = members.get("Options", [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadFileFormatError("'Options' must be an array of strings")
    names = {_NAMES_BY_CODE.get(str(name), str(name)) for name in value}
    if names >= {_FULL_DATES, _MODIFIED_DATES}:
        raise BadRequestError(f"{_FULL_DATES} and {_MODIFIED_DATES} exclude each other")
    if later := sorted(names & _LATER.keys()):
        raise BadRequestError(f"Options that are not supported yet: {', '.join(later)}")
    if names - _OPTIONS.keys():
        raise BadRequestError(f"'Options' knows {', '.join(_OPTIONS)}, and their codes in CID 7050")
    return frozenset(_OPTIONS[name] for name in names)


def _is_safe_harbor(members: Mapping[str, Json]) -> bool:
    if "Preset" not in members:
        return False
    if read_text(members, "Preset") != SAFE_HARBOR:
        raise BadRequestError(f"'Preset' knows {SAFE_HARBOR} alone")
    return True


def _check_safe_harbor(body: Mapping[str, Json], members: Mapping[str, Json], *, keeps_private: bool) -> None:
    """Refuse what contradicts the preset."""
    if body.get("DicomVersion", SAFE_HARBOR_EDITION) != SAFE_HARBOR_EDITION:
        raise BadRequestError(f"{SAFE_HARBOR} is of edition {SAFE_HARBOR_EDITION}")
    if members.get("Options"):
        raise BadRequestError(f"{SAFE_HARBOR} has no option that retains something")
    if keeps_private:
        raise BadRequestError(f"{SAFE_HARBOR} does not go with KeepPrivateTags")
    for name in ("AgeCap", "RefuseBurnedIn"):
        if members.get(name) is False:
            raise BadRequestError(f"{SAFE_HARBOR} does not go with {name} false")
