"""Paths into sequences that the same request writes: step after step, as spec 3.3 counts them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.data_sets import Tree, read_file
from tests.dicom_factory import Element, encode, part10
from tests.support.edits import modified

OUTER, INNER, STUDY_ID, NAME, COMMENTS = 0x00081140, 0x00081115, 0x00200010, 0x00100010, 0x00104000


def items_after(**body: Any) -> list[Tree]:
    """Return the two items of the outer sequence; the first one has an item inside."""
    inner = Element(INNER, "SQ", [[Element(NAME, "PN", "old^name")]])
    data = encode([Element(0x00080018, "UI", "1.2.3"), Element(OUTER, "SQ", [[inner], []])])
    return read_file(modified(part10(data), **body)).tree[OUTER].items or []


def inside(item: Tree) -> list[dict[int, bytes]]:
    return [{tag: node.value for tag, node in below.items()} for below in item[INNER].items or []]


def test_a_path_changes_what_a_path_before_it_wrote() -> None:
    replace = {"0008,1140[*].0008,1115": [{}, {"StudyID": "1"}], "0008,1140[0].0008,1115[*].StudyID": "2"}
    first, second = items_after(Replace=replace)
    assert inside(first) == [{STUDY_ID: b"2 "}, {STUDY_ID: b"2 "}]
    assert inside(second) == [{}, {STUDY_ID: b"1 "}]


def test_a_path_before_is_overwritten_with_the_sequence() -> None:
    # The names decide on the order, and capital letters come after digits.
    replace = {
        "0008,1140[0].0008,1115[0].StudyID": "lost",
        "ReferencedImageSequence[0].ReferencedSeriesSequence": [{"PatientComments": "new"}],
    }
    assert inside(items_after(Replace=replace)[0]) == [{COMMENTS: b"new "}]


def test_of_two_names_for_one_path_the_later_in_the_alphabet_has_its_place_in_the_order() -> None:
    replace = {
        "0008,1140[0].0008,1115": [{}],
        "0008,1140[0].0008,1115[0].StudyID": "lost",
        "ReferencedImageSequence[0].0008,1115": [{"PatientComments": "new"}],
    }
    assert inside(items_after(Replace=replace)[0]) == [{COMMENTS: b"new "}]


def test_paths_of_remove_come_before_those_of_replace() -> None:
    body: dict[str, Any] = {
        "Remove": ["0008,1140[0].0008,1115[*].StudyID"],
        "Replace": {"0008,1140[0].0008,1115": [{"StudyID": "1"}]},
    }
    assert inside(items_after(**body)[0]) == [{STUDY_ID: b"1 "}]


def test_all_paths_come_after_the_top_level() -> None:
    body: dict[str, Any] = {
        "Remove": ["0008,1140[*].0008,1115[1]. StudyID", "ReferencedImageSequence[1].PatientComments"],
        "Replace": {
            "ReferencedImageSequence": [
                {"ReferencedSeriesSequence": [{"StudyID": "1"}, {"0020,0010": "2"}]},
                {"ReferencedSeriesSequence": None, "PatientComments": "gone"},
            ],
            "0008,1140[0].0008,1115[0].PatientName": "X",
            "0008,1140[1].0008,1115[0].PatientName": "no item",
        },
    }
    first, second = items_after(**body)
    assert inside(first) == [{NAME: b"X ", STUDY_ID: b"1 "}, {}]
    assert (inside(second), COMMENTS in second) == ([], False)


@pytest.mark.parametrize("empty", [{}, []])
def test_a_path_writes_into_new_empty_items(empty: object) -> None:
    replace = {"0008,1140": [empty], "0008,1140[0].StudyID": "1", "0008,1140[0].0008,1115[0].StudyID": "2"}
    (item,) = items_after(Replace=replace)
    assert {tag: node.value for tag, node in item.items()} == {STUDY_ID: b"1 "}


def test_a_path_through_new_text_leads_nowhere() -> None:
    replace = {
        "0008,1140": [{"PatientComments": "text"}],
        "0008,1140[0].PatientComments[0].StudyID": "1",
    }
    (item,) = items_after(Replace=replace)
    assert {tag: node.value for tag, node in item.items()} == {COMMENTS: b"text"}


def test_of_two_names_for_one_tag_in_an_item_the_later_in_the_alphabet_wins() -> None:
    (item,) = items_after(Replace={"0008,1140": [{"PatientName": "named", "0010,0010": "numbered"}]})
    assert item[NAME].value == b"named "
