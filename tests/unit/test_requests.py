"""What a body may ask for, and the code of each refusal (spec 2.4, 3.1, 3.2, 3.4)."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.requests import Modification, parse_modification
from dicomorph.dicom.tag_path import TagPath
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Level
from dicomorph.model.settings import PrivateTag, Settings

DICTIONARY = (PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic"),)
IDENTIFIERS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


def parsed(
    body: dict[str, Any],
    *,
    anonymize: bool = False,
    level: Level | None = None,
    settings: Settings | None = None,
) -> Modification:
    return parse_modification(
        body, is_anonymization=anonymize, level=level, settings=settings or Settings(dictionary=DICTIONARY)
    )


def code_of(body: dict[str, Any], *, anonymize: bool = False) -> int:
    with pytest.raises(DicomorphError) as caught:
        parsed(body, anonymize=anonymize)
    return caught.value.code


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


def test_the_newest_edition_is_the_default_unless_set() -> None:
    assert parsed({}, anonymize=True).edition == "2023b"
    assert parsed({}, anonymize=True, settings=Settings(default_dicom_version="2008")).edition == "2008"


@pytest.mark.parametrize("name", ["Remove", "Keep", "Replace"])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("patientname", 27),
        ("Nope", 27),
        ("0010,00", 27),
        ("0010;0010", 27),
        ("", 27),
        (".", 27),
        ("ContentSequence[0].", 27),
        ("ContentSequence[0].Nope", 27),
        ("Nope[0].PatientName", 27),
        ("ContentSequence.PatientName", 3),
        ("ContentSequence[0.PatientName", 3),
        ("ContentSequence[-1].PatientName", 3),
        ("ContentSequence[x].PatientName", 3),
        ("ContentSequence[].PatientName", 3),
        ("[0].PatientName", 3),
    ],
)
def test_misspelled_tags_and_paths_are_refused(name: str, text: str, code: int) -> None:
    assert code_of({name: {text: "x"} if name == "Replace" else [text]}) == code


@pytest.mark.parametrize("text", ["PatientName", "0010,0010", "0010-0010", "00100010", "0x0010,0x0010"])
def test_a_tag_has_many_names(text: str) -> None:
    assert parsed({"Remove": [text]}).removed_tags == {0x00100010}


def test_names_of_the_setting_dictionary_are_tags() -> None:
    assert parsed({"Keep": ["RadioButton3"]}).kept_tags == {0x43211012}


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        ("PatientName", 3, 5),
        ("PatientName", True, 5),
        ("PatientName", {"a": "b"}, 5),
        ("PatientName", ["a"], 5),
        ("InstanceNumber", 3, 5),
        ("SOPClassUID", None, 5),
        ("ContentSequence", "text", 15),
        ("ContentSequence", {}, 5),
        ("ContentSequence", ["text"], 5),
        ("ContentSequence", [1], 5),
        ("ContentSequence", [{"Nope": "x"}], 27),
        ("ContentSequence", [{"ContentSequence[0].PatientName": "x"}], 27),
        ("ContentSequence", [{"PatientName": 1}], 5),
        ("ContentSequence", [{"ContentSequence": [{"Rows": "x"}]}], 15),
        ("ContentSequence[0].Rows", "x", 15),
        ("Rows", "70000", 15),
        ("Rows", "abc", 15),
        ("Rows", "1.5", 15),
        ("SmallestImagePixelValue", "-1", 15),
        ("FrameIncrementPointer", "Nope", 27),
        ("PixelData", "odd", 3),
        ("PatientName", "data:application/octet-stream;base64,!!!", 15),
    ],
)
def test_values_that_cannot_be_cast_are_refused(tag: str, value: object, code: int) -> None:
    assert code_of({"Replace": {tag: value}}) == code


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("PatientName", ""),
        ("PatientName", None),
        ("InstanceNumber", "3"),
        ("StudyDate", "notadate"),
        ("PatientID[0].Rows", "1"),
        ("ContentSequence", []),
        ("ContentSequence", None),
        ("ContentSequence", [[], {}, {"PatientName": "x", "ContentSequence": [{"Rows": "1\\2"}]}]),
        ("Rows", "-1"),
        ("FrameIncrementPointer", "FrameTime\\0010,0010"),
        ("0008,9999", "unknown"),
        ("0009,1001", "private"),
        ("0002,0016", "ignored"),
        ("0010,0000", "ignored"),
    ],
)
def test_values_that_orthanc_takes_are_taken(tag: str, value: object) -> None:
    assert len(parsed({"Replace": {tag: value}}).replace) == 1


def test_what_a_path_writes_is_nested_64_levels_deep_at_most_all_told() -> None:
    value: Any = []
    for _ in range(60):
        value = [{"ContentSequence": value}]
    assert parsed({"Replace": {"ContentSequence[0]." * 3 + "ContentSequence": value}}).replace
    assert code_of({"Replace": {"ContentSequence[0]." * 4 + "ContentSequence": value}}) == 15


@pytest.mark.parametrize("identifier", IDENTIFIERS)
@pytest.mark.parametrize("anonymize", [False, True])
def test_identifiers_need_force(identifier: str, anonymize: bool) -> None:  # noqa: FBT001
    bodies: list[dict[str, Any]] = [{"Replace": {identifier: "1"}}, {"Keep": [identifier]}]
    for body in bodies:
        assert code_of(body, anonymize=anonymize) == 8
        assert code_of({**body, "Force": False}, anonymize=anonymize) == 8
        assert parsed({**body, "Force": True}, anonymize=anonymize).force


@pytest.mark.parametrize("identifier", IDENTIFIERS)
@pytest.mark.parametrize("force", [False, True])
def test_identifiers_are_never_removed(identifier: str, force: bool) -> None:  # noqa: FBT001
    assert code_of({"Remove": [identifier], "Force": force}) == 8


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_identifiers_in_items_need_no_force(identifier: str) -> None:
    path = f"ContentSequence[*].{identifier}"
    found = parsed({"Replace": {path: "1"}, "Remove": [path], "Keep": [path]})
    assert len(found.replace) == len(found.remove) == len(found.keep) == 1
    assert found.removed_tags == found.kept_tags == frozenset()


@pytest.mark.parametrize(
    ("replace", "level"),
    [
        ([], Level.INSTANCE),
        (["PatientName"], Level.INSTANCE),
        (["SOPInstanceUID"], Level.INSTANCE),
        (["SeriesInstanceUID"], Level.SERIES),
        (["SeriesInstanceUID", "StudyInstanceUID"], Level.STUDY),
        (["SeriesInstanceUID", "PatientID"], Level.PATIENT),
        (["ContentSequence[0].PatientID"], Level.INSTANCE),
    ],
)
def test_the_level_of_an_instance_follows_from_replace(replace: list[str], level: Level) -> None:
    body = {"Replace": dict.fromkeys(replace, "1"), "Force": True}
    assert parsed(body).level is level
    assert parsed(body, level=Level.SERIES).level is Level.SERIES, "a route decides for its resources"
    assert parsed(body, anonymize=True, level=Level.SERIES).level is Level.PATIENT, "anonymization is whole"


def test_keep_beats_replace_and_replace_beats_remove() -> None:
    names = ["PatientName", "StudyID", "StudyDate"]
    found = parsed({"Remove": names, "Replace": dict.fromkeys(names[:2], "x"), "Keep": names[:1]})
    assert found.kept_tags == {0x00100010}
    assert found.replaced_tags.keys() == {0x00200010}
    assert found.removed_tags == {0x00080020}


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


def test_replacements_come_in_the_order_of_the_names_that_count() -> None:
    replace = {"StudyID": "2", "0010,0010": "1", "0020,0010": "3", "PatientComments": "4"}
    assert list(parsed({"Replace": replace}).replace.values()) == ["1", "4", "2"]


def test_the_private_creator_of_the_request_beats_that_of_the_settings() -> None:
    settings = Settings(default_private_creator="Lunit")
    assert parsed({}, settings=settings).private_creator == "Lunit"
    assert parsed({"PrivateCreator": "Other"}, settings=settings).private_creator == "Other"


def test_unknown_fields_are_ignored() -> None:
    assert parsed({"Colour": "blue", "Keep": []}) == parsed({})


def test_paths_may_have_spaces_and_parentheses() -> None:
    found = parsed({"Keep": [" ContentSequence [ 2 ] . (0008,1140)[*] . PatientName "]})
    assert found.keep == {TagPath(((0x0040A730, 2), (0x00081140, None)), 0x00100010)}


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
