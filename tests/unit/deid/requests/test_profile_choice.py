"""The member ``Profile`` of an anonymization: what it chooses, and the code of each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import shipped_allow_list
from dicomorph.deid.editions.options import NO_CHOICE, Choice, Option
from dicomorph.deid.requests.modification import Modification, parse_modification
from dicomorph.model.errors import BadRequestError, DicomorphError
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings

NEW = ("2024b", "2025e", "2026d")
ORTHANCS = ("2008", "2017c", "2021b", "2023b")
OPTIONS = {
    "RetainUIDs": ("113110", Option.RETAIN_UIDS),
    "RetainDeviceIdentity": ("113109", Option.RETAIN_DEVICE_IDENTITY),
    "RetainInstitutionIdentity": ("113112", Option.RETAIN_INSTITUTION_IDENTITY),
    "RetainPatientCharacteristics": ("113108", Option.RETAIN_PATIENT_CHARACTERISTICS),
    "RetainLongitudinalFullDates": ("113106", Option.RETAIN_LONGITUDINAL_FULL_DATES),
    "RetainSafePrivate": ("113111", Option.RETAIN_SAFE_PRIVATE),
}
LATER = {
    "RetainLongitudinalModifiedDates": "113107",
    "CleanDescriptors": "113105",
    "CleanStructuredContent": "113104",
    "CleanGraphics": "113103",
    "CleanPixelData": "113101",
    "CleanRecognizableVisualFeatures": "113102",
}
LIST = AllowList("mine", frozenset((0x00280010,)))
NOT_STRINGS: tuple[Any, ...] = (None, 1, 1.5, True, [], ["x"], {}, {"x": 1})
NOT_BOOLEANS: tuple[Any, ...] = (None, 0, 1, "true", "", [], {})
NOT_OBJECTS: tuple[Any, ...] = (None, "", "SafeHarbor", 1, True, [], ["RetainUIDs"])
NOT_LISTS_OF_STRINGS: tuple[Any, ...] = (
    None,
    "RetainUIDs",
    113110,
    True,
    {},
    [1],
    [113110],
    [None],
    [["RetainUIDs"]],
    [{}],
)
CHOICES = [
    {"Options": ["RetainUIDs"]}, {"Options": []}, {"AgeCap": True}, {"AgeCap": False},
    {"AllowList": "mine"}, {"RefuseBurnedIn": True}, {"RefuseBurnedIn": False},
]  # fmt: skip


def mine(name: str) -> AllowList:
    return LIST if name == LIST.name else shipped_allow_list(name)


def parsed(profile: Any, *, settings: Settings | None = None, **body: Any) -> Modification:
    settings = settings or Settings(default_dicom_version="2026d")
    return parse_modification(
        {"Profile": profile, **body},
        is_anonymization=True,
        level=Level.STUDY,
        settings=settings,
        allow_lists=mine,
    )


def refusal(profile: Any, **body: Any) -> tuple[int, str]:
    with pytest.raises(BadRequestError) as caught:
        parsed(profile, **body)
    return caught.value.code, caught.value.details


@pytest.mark.parametrize("edition", NEW)
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_known_by_its_name_and_its_code(name: str, edition: str) -> None:
    code, option = OPTIONS[name]
    for written in ([name], [code], [name, code], [name, name]):
        found = parsed({"Options": written}, DicomVersion=edition)
        assert (found.edition, found.choice) == (edition, Choice(options=frozenset((option,))))


def test_options_come_together() -> None:
    found = parsed({"Options": [*OPTIONS]}).choice
    assert found == Choice(options=frozenset(Option)), "whatever is kept and not cleaned"


@pytest.mark.parametrize("profile", [{}, {"Options": []}, {"AgeCap": False}, {"RefuseBurnedIn": False}])
def test_what_chooses_nothing_is_the_basic_profile(profile: dict[str, Any]) -> None:
    assert (
        parsed(profile).choice
        == NO_CHOICE
        == parse_modification(
            {}, is_anonymization=True, level=None, settings=Settings(default_dicom_version="2026d")
        ).choice
    )


def test_members_come_together() -> None:
    found = parsed({"Options": ["113110"], "AgeCap": True, "RefuseBurnedIn": True}).choice
    assert found == Choice(options=frozenset((Option.RETAIN_UIDS,)), age_cap=True, refuses_burned_in=True)
    found = parsed({"AllowList": "mine", "AgeCap": True, "RefuseBurnedIn": True}).choice
    assert found == Choice(allow_list=LIST, age_cap=True, refuses_burned_in=True)


@pytest.mark.parametrize("name", LATER)
def test_what_comes_later_is_said_to(name: str) -> None:
    for written in ([name], [LATER[name]], ["RetainUIDs", name]):
        assert refusal({"Options": written}) == (8, f"Options that are not supported yet: {name}")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "retainuids",
        "RetainUids",
        "RETAIN_UIDS",
        "Retain UIDs Option",
        "113100",
        "113113",
        "113110 ",
        "DCM:113110",
    ],
)
def test_any_other_option_is_unknown(name: str) -> None:
    code, details = refusal({"Options": ["RetainUIDs", name]})
    assert code == 8
    assert all(known in details for known in OPTIONS)
    assert not name or name not in details.replace("RetainUIDs", "")


@pytest.mark.parametrize(
    "dates", [["RetainLongitudinalFullDates", "RetainLongitudinalModifiedDates"], ["113106", "113107"]]
)
def test_dates_are_retained_in_one_way(dates: list[str]) -> None:
    assert "exclude each other" in refusal({"Options": dates})[1]


@pytest.mark.parametrize("edition", [*NEW, *ORTHANCS])
@pytest.mark.parametrize(
    ("profile", "code"),
    [
        *((value, 15) for value in NOT_OBJECTS),
        *(({"Options": value}, 15) for value in NOT_LISTS_OF_STRINGS),
        *(({name: value}, 15) for name in ("AgeCap", "RefuseBurnedIn") for value in NOT_BOOLEANS),
        *(({name: value}, 15) for name in ("AllowList", "Preset") for value in NOT_STRINGS),
        *(({name: True}, 8) for name in ("agecap", "Agecap", "Option", "Allowlist", "Presets", "Name", "")),
        *(({"Preset": value}, 8) for value in ("", "safeharbor", "Safe Harbor", "Limited")),
    ],
)  # fmt: skip
def test_each_wrong_type_and_name_is_refused(profile: Any, code: int, edition: str) -> None:
    assert refusal(profile, DicomVersion=edition)[0] == code


@pytest.mark.parametrize("name", ["", "other", "mine.json", "../mine", "a/b", ".", "x" * 65, "mine\0"])
def test_a_list_must_be_there(name: str) -> None:
    assert refusal({"AllowList": name})[0] == 8


@pytest.mark.parametrize("edition", ORTHANCS)
@pytest.mark.parametrize("profile", CHOICES)
def test_editions_of_orthanc_leave_no_choice(profile: dict[str, Any], edition: str) -> None:
    assert refusal(profile, DicomVersion=edition)[0] == 8
    assert refusal(profile, settings=Settings(default_dicom_version=edition))[0] == 8
    found = parsed({}, DicomVersion=edition)
    assert (found.edition, found.choice) == (edition, NO_CHOICE)


@pytest.mark.parametrize("edition", ["", *NEW, *ORTHANCS])
def test_safe_harbor_is_of_one_edition_whatever_is_usual(edition: str) -> None:
    found = parsed({"Preset": "SafeHarbor"}, settings=Settings(default_dicom_version=edition))
    assert (found.edition, found.choice) == ("2026d", Choice(age_cap=True, refuses_burned_in=True))
    same = {"Preset": "SafeHarbor", "Options": [], "AgeCap": True, "RefuseBurnedIn": True}
    assert parsed(same, DicomVersion="2026d") == found


@pytest.mark.parametrize(
    ("profile", "body"),
    [
        *(({"Options": [name]}, {}) for name in OPTIONS),
        ({"AgeCap": False}, {}),
        ({"RefuseBurnedIn": False}, {}),
        ({"AllowList": "mine"}, {}),
        ({}, {"KeepPrivateTags": True}),
        *(({}, {"DicomVersion": edition}) for edition in (*ORTHANCS, "2024b", "2025e")),
    ],
)
def test_what_contradicts_safe_harbor_is_refused(profile: dict[str, Any], body: dict[str, Any]) -> None:
    assert refusal({"Preset": "SafeHarbor", **profile}, **body)[0] == 8


@pytest.mark.parametrize(
    ("profile", "body"),
    [*(({"Options": [name]}, {}) for name in OPTIONS), ({}, {"KeepPrivateTags": True})],
)
def test_what_contradicts_an_allow_list_is_refused(profile: dict[str, Any], body: dict[str, Any]) -> None:
    assert refusal({"AllowList": "mine", **profile}, **body)[0] == 8


def test_refusing_is_usual_where_the_settings_say_so_and_the_request_decides() -> None:
    strict = Settings(default_dicom_version="2026d", refuse_burned_in=True)
    assert parsed({}, settings=strict).choice.refuses_burned_in
    assert not parsed({"RefuseBurnedIn": False}, settings=strict).choice.refuses_burned_in
    assert parsed({}, settings=strict, DicomVersion="2023b").choice == NO_CHOICE


def test_an_unknown_edition_is_told_before_what_is_chosen_of_it() -> None:
    assert refusal({"Options": ["x"]}, DicomVersion="2023c")[0] == 3


@pytest.mark.parametrize("profile", [*NOT_OBJECTS, {"Options": ["x"]}, {"Preset": "SafeHarbor"}])
def test_a_modification_does_not_look_at_it(profile: Any) -> None:
    found = parse_modification(
        {"Profile": profile}, is_anonymization=False, level=Level.STUDY, settings=Settings()
    )
    assert (found.edition, found.choice) == ("", NO_CHOICE)


@pytest.mark.parametrize("secret", ["Doe^Jane", "Secret Name"])
def test_refusals_repeat_no_values(secret: str) -> None:
    for profile in ({secret: 1}, {"Options": [secret]}, {"AllowList": secret}, {"Preset": secret}):
        with pytest.raises(DicomorphError) as caught:
            parsed(profile)
        assert secret not in f"{caught.value.details}{caught.value.__cause__!r}"
