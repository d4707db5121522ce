"""How a body names tags and paths, and which of its lists decides (spec 3.1, 3.2)."""

from __future__ import annotations

import pytest

from dicomorph.dicom.standard.tag_path import TagPath
from tests.support.parsed_requests import code_of, parsed


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


def test_keep_beats_replace_and_replace_beats_remove() -> None:
    names = ["PatientName", "StudyID", "StudyDate"]
    found = parsed({"Remove": names, "Replace": dict.fromkeys(names[:2], "x"), "Keep": names[:1]})
    assert found.kept_tags == {0x00100010}
    assert found.replaced_tags.keys() == {0x00200010}
    assert found.removed_tags == {0x00080020}


def test_replacements_come_in_the_order_of_the_names_that_count() -> None:
    replace = {"StudyID": "2", "0010,0010": "1", "0020,0010": "3", "PatientComments": "4"}
    assert list(parsed({"Replace": replace}).replace.values()) == ["1", "4", "2"]


def test_paths_may_have_spaces_and_parentheses() -> None:
    found = parsed({"Keep": [" ContentSequence [ 2 ] . (0008,1140)[*] . PatientName "]})
    assert found.keep == {TagPath(((0x0040A730, 2), (0x00081140, None)), 0x00100010)}
