"""Which fields a body may have, and the code of each refusal (spec 2.4, 3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.editions.default_edition import DEFAULT_EDITION
from dicomorph.model.errors import DicomorphError
from dicomorph.model.settings import Settings
from tests.support.parsed_requests import code_of, parsed


@pytest.mark.parametrize("name", ["Remove", "Keep"])
@pytest.mark.parametrize(
    "value", ["PatientName", {}, None, 1, [1], [None], [["PatientName"]], ["PatientName", {}]]
)
def test_lists_of_tags_hold_strings(name: str, value: object) -> None:
    assert code_of({name: value}) == 8


@pytest.mark.parametrize("value", ["PatientName", [], None, 1, True])
def test_replace_is_an_object(value: object) -> None:
    assert code_of({"Replace": value}) == 8


@pytest.mark.parametrize("name", ["Force", "RemovePrivateTags", "KeepPrivateTags"])
@pytest.mark.parametrize("value", ["true", 1, None, [], {}])
def test_flags_are_booleans(name: str, value: object) -> None:
    assert code_of({name: value}, anonymize=name == "KeepPrivateTags") == 15


@pytest.mark.parametrize("value", [1, None, [], {}])
def test_a_private_creator_is_a_string(value: object) -> None:
    assert code_of({"PrivateCreator": value}) == 15


@pytest.mark.parametrize(
    ("value", "code"), [(2023, 15), (None, 15), ("2023", 3), ("", 3), ("2023B", 3), ("1999", 3)]
)
def test_editions_are_known_by_name(value: object, code: int) -> None:
    assert code_of({"DicomVersion": value}, anonymize=True) == code
    assert parsed({"DicomVersion": value}).edition == "", "a modification does not look at it"


def test_the_edition_of_the_version_is_the_default_unless_set() -> None:
    assert parsed({}, anonymize=True).edition == DEFAULT_EDITION
    assert parsed({}, anonymize=True, settings=Settings(default_dicom_version="2008")).edition == "2008"


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ({}, True),
        ({"Replace": {"PatientName": "x"}}, False),
        ({"Keep": ["PatientName"]}, False),
        ({"Remove": ["PatientName"]}, False),
        ({"Replace": {"ContentSequence[0].PatientName": "x"}}, True),
    ],
)
def test_a_name_is_drawn_when_nobody_gives_one(body: dict[str, Any], needed: bool) -> None:  # noqa: FBT001
    assert parsed(body, anonymize=True).needs_name is needed
    assert not parsed(body).needs_name


def test_each_route_has_its_own_option_for_private_tags() -> None:
    body = {"RemovePrivateTags": True, "KeepPrivateTags": True}
    modification, anonymization = parsed(body), parsed(body, anonymize=True)
    assert (modification.remove_private_tags, modification.keep_private_tags) == (True, False)
    assert (anonymization.remove_private_tags, anonymization.keep_private_tags) == (False, True)


def test_a_route_ignores_the_other_one_whatever_its_type() -> None:
    assert not parsed({"KeepPrivateTags": "yes"}).keep_private_tags
    assert not parsed({"RemovePrivateTags": 1}, anonymize=True).remove_private_tags


def test_the_private_creator_of_the_request_beats_that_of_the_settings() -> None:
    settings = Settings(default_private_creator="Lunit")
    assert parsed({}, settings=settings).private_creator == "Lunit"
    assert parsed({"PrivateCreator": "Other"}, settings=settings).private_creator == "Other"


def test_unknown_fields_are_ignored() -> None:
    assert parsed({"Colour": "blue", "Keep": []}) == parsed({})


@pytest.mark.parametrize(
    ("body", "secret"),
    [
        ({"Keep": ["Secret Name"]}, "Secret"),
        ({"Replace": {"Rows": "Secret"}}, "Secret"),
        ({"Replace": {"Rows": "1-2"}}, "1-2"),
        ({"Replace": {"TubeAngle": "1.2.3"}}, "1.2.3"),
        ({"Replace": {"PatientName": "data:application/octet-stream;base64,Secret!"}}, "Secret"),
    ],
)
def test_errors_repeat_no_values_not_even_in_their_causes(body: dict[str, Any], secret: str) -> None:
    with pytest.raises(DicomorphError) as caught:
        parsed(body)
    assert secret not in caught.value.details
    assert secret not in repr(caught.value.__cause__)
