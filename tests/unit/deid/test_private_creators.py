"""Private tags of requests are those of their creator, in whatever block it has (PS3.5 7.8.1)."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, modified
from tests.support.private_blocks import OURS, PLACES, THEIRS, block, file_with, private_of
from tests.support.small_files import SEQUENCE, nested, small_file, tree_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
GROUPS = (0x0009, 0x0033, 0x50F1, 0x7FE1, 0xEEEF)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("group", GROUPS)
def test_a_replacement_finds_the_block_of_its_creator(place: str, syntax: str, group: int) -> None:
    both = [
        *block(0x10, THEIRS, (1, "theirs"), group=group),
        *block(0x12, OURS, (1, "old"), (2, "other"), group=group),
    ]
    data = file_with(*sorted(both, key=lambda element: element.tag), place=place, syntax=syntax)
    body: dict[str, Any] = {"PrivateCreator": OURS, "Replace": {f"{place}{group:04x},1001": "new"}}
    before = private_of(data, place)
    for output in (modified(data, **body), anonymized(data, KeepPrivateTags=True, **body)):
        assert private_of(output, place) == {**before, f"{group:04x},1201": "new"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("present", "number"),
    [
        ([], 0x10),
        (block(0x11, THEIRS, (1, "theirs")), 0x10),
        (block(0x10, THEIRS, (1, "theirs")), 0x11),
        ([*block(0x10, THEIRS), *block(0x11, "THIRD")], 0x12),
        ([Element(0x00091002, "LO", "nobody's")], 0x11),
        ([Element(0x00091001, "LO", "nobody's")], 0x11),
        (block(0x10, OURS.lower()), 0x11),
        (block(0x10, f" {OURS} "), 0x10),
    ],
)
def test_a_new_block_is_reserved_where_there_is_room(
    place: str, syntax: str, present: list[Element], number: int
) -> None:
    present = sorted(present, key=lambda element: element.tag)
    data = file_with(Element(0x00080070, "LO", "Maker"), *present, place=place, syntax=syntax)
    output = modified(data, PrivateCreator=OURS, Replace={f"{place}0009,1001": "new"})
    added = {f"0009,{number:04x}": OURS, f"0009,{number << 8 | 1:04x}": "new"}
    assert private_of(output, place) == {**private_of(data, place), **added}
    assert syntax == IMPLICIT or tree_vr(output, place, 0x00090000 | number) == "LO"


def tree_vr(data: bytes, place: str, tag: int) -> str:
    tree = tree_of(data)
    for _ in range(place.count("[")):
        tree = (tree[SEQUENCE].items or [])[0]
    return tree[tag].vr


@pytest.mark.parametrize("place", PLACES[:2])
def test_a_group_without_room_is_refused(place: str) -> None:
    creators = [Element(0x00090000 | number, "LO", f"VENDOR {number}") for number in range(0x10, 0x100)]
    with pytest.raises(BadFileFormatError):
        modified(file_with(*creators, place=place), PrivateCreator=OURS, Replace={f"{place}0009,1001": "new"})
    output = modified(
        file_with(*creators[:-1], place=place), PrivateCreator=OURS, Replace={f"{place}0009,1001": "new"}
    )
    assert private_of(output, place)["0009,ff01"] == "new"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_remove_takes_the_element_of_its_creator_and_no_other(place: str, syntax: str) -> None:
    theirs, ours = block(0x10, THEIRS, (1, "theirs")), block(0x11, OURS, (1, "ours"), (2, "other"))
    elements = sorted([*theirs, *ours], key=lambda element: element.tag)
    data = file_with(*elements, place=place, syntax=syntax)
    expected = private_of(data, place)
    del expected["0009,1101"]
    body: dict[str, Any] = {"PrivateCreator": OURS, "Remove": [f"{place}0009,1001"]}
    for output in (modified(data, **body), anonymized(data, KeepPrivateTags=True, **body)):
        assert private_of(output, place) == expected
    absent: dict[str, Any] = {"PrivateCreator": "NOBODY", "Remove": [f"{place}0009,1001"]}
    assert private_of(modified(data, **absent), place) == private_of(data, place)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("number", [0x10, 0x11, 0x12, 0x20])
def test_remove_takes_the_element_from_every_block_of_its_creator(
    place: str, syntax: str, number: int
) -> None:
    blocks = [(0x10, OURS), (0x11, THEIRS), (0x12, OURS), (0xFE, OURS)]
    elements = [one for at, creator in blocks for one in block(at, creator, (1, "value"), (2, "other"))]
    data = file_with(*sorted(elements, key=lambda element: element.tag), place=place, syntax=syntax)
    body: dict[str, Any] = {"PrivateCreator": OURS, "Remove": [f"{place}0009,{number:02x}01"]}
    expected = private_of(data, place)
    for at in (0x10, 0x12, 0xFE):
        del expected[f"0009,{at:02x}01"]
    for output in (modified(data, **body), anonymized(data, KeepPrivateTags=True, **body)):
        assert private_of(output, place) == expected


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(("number", "written"), [(0x10, 0x10), (0x11, 0x10), (0x12, 0x12), (0x20, 0x10)])
def test_what_is_replaced_stays_in_no_other_block_of_its_creator(
    place: str, syntax: str, number: int, written: int
) -> None:
    blocks = [(0x10, OURS), (0x11, THEIRS), (0x12, OURS), (0xFE, OURS)]
    elements = [one for at, creator in blocks for one in block(at, creator, (1, "old"), (2, "other"))]
    data = file_with(*sorted(elements, key=lambda element: element.tag), place=place, syntax=syntax)
    body: dict[str, Any] = {"PrivateCreator": OURS, "Replace": {f"{place}0009,{number:02x}01": "new"}}
    expected = {**private_of(data, place), f"0009,{written:02x}01": "new"}
    for at in {0x10, 0x12, 0xFE} - {written}:
        del expected[f"0009,{at:02x}01"]
    for output in (modified(data, **body), anonymized(data, KeepPrivateTags=True, **body)):
        assert private_of(output, place) == expected


def test_remove_of_a_private_tag_reaches_all_items_by_creator_when_anonymizing() -> None:
    """As it does for public tags; an item that holds another one has other blocks."""
    inner = nested(*block(0x10, OURS, (1, "ours")), *block(0x11, THEIRS, (1, "theirs")))
    elements = sorted([*inner_elements(inner)], key=lambda element: element.tag)
    outer = [nested(*elements), *block(0x10, THEIRS, (1, "theirs")), *block(0x11, OURS, (1, "ours"))]
    data = small_file(Element(SEQUENCE, "SQ", [sorted(outer, key=lambda element: element.tag)]))
    output = anonymized(data, KeepPrivateTags=True, PrivateCreator=OURS, Remove=["0009,1001"])
    assert b"ours" not in output
    assert output.count(b"theirs") == 2


def inner_elements(sequence: Element) -> list[Element]:
    assert isinstance(sequence.value, list)
    return sequence.value[0]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_keep_takes_the_element_of_its_creator_with_the_creator(syntax: str) -> None:
    theirs, ours = block(0x10, THEIRS, (1, "theirs")), block(0x11, OURS, (1, "ours"), (2, "other"))
    data = file_with(*sorted([*theirs, *ours], key=lambda element: element.tag), syntax=syntax)
    body: dict[str, Any] = {"PrivateCreator": OURS, "Keep": ["0009,1001"]}
    for output in (anonymized(data, **body), modified(data, RemovePrivateTags=True, **body)):
        assert private_of(output) == {"0009,0011": OURS, "0009,1101": "ours"}
    for absent in ({**body, "PrivateCreator": "NOBODY"}, {**body, "Keep": ["0009,1009"]}):
        assert private_of(anonymized(data, **absent)) == {}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_keep_by_path_takes_the_element_of_its_creator_with_the_creator(syntax: str) -> None:
    theirs, ours = block(0x10, THEIRS, (1, "theirs")), block(0x11, OURS, (1, "ours"), (2, "other"))
    elements = sorted([*theirs, *ours], key=lambda element: element.tag)
    data = file_with(*elements, place=PLACES[1], syntax=syntax)
    body: dict[str, Any] = {"PrivateCreator": OURS, "Keep": [f"{PLACES[1]}0009,1001"]}
    for output in (anonymized(data, **body), modified(data, RemovePrivateTags=True, **body)):
        assert private_of(output, PLACES[1]) == {"0009,0011": OURS, "0009,1101": "ours"}


def test_without_a_creator_numbers_are_taken_as_they_are() -> None:
    theirs, ours = block(0x10, THEIRS, (1, "theirs")), block(0x11, OURS, (1, "ours"))
    data = file_with(*sorted([*theirs, *ours], key=lambda element: element.tag))
    bodies: list[dict[str, Any]] = [{}, {"PrivateCreator": ""}]
    for body in bodies:
        assert private_of(modified(data, Remove=["0009,1001"], **body)).keys() == {
            "0009,0010",
            "0009,0011",
            "0009,1101",
        }
        assert private_of(anonymized(data, Keep=["0009,1001"], **body)) == {"0009,1001": "theirs"}
        assert private_of(modified(data, Replace={"0009,1001": "x"}, **body))["0009,1001"] == "x"
        assert private_of(modified(data, Replace={"0033,1001": "x"}, **body))["0033,1001"] == "x"
        assert "0033,0010" not in private_of(modified(data, Replace={"0033,1001": "x"}, **body))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_anonymizing_removes_leaves_its_room(syntax: str) -> None:
    data = file_with(*block(0x10, THEIRS, (1, "theirs"), (2, "more")), syntax=syntax)
    body: dict[str, Any] = {"PrivateCreator": OURS, "Replace": {"0009,1001": "new"}}
    for output in (anonymized(data, **body), modified(data, RemovePrivateTags=True, **body)):
        assert private_of(output) == {"0009,0010": OURS, "0009,1001": "new"}


@pytest.mark.parametrize("place", PLACES)
def test_a_creator_in_the_same_replace_reserves_its_block(place: str) -> None:
    replace = {f"{place}0009,0010": OURS, f"{place}0009,1001": "new"}
    theirs = block(0x10, THEIRS, (1, "theirs"))
    data = file_with(*theirs, place=place)
    output = modified(data, PrivateCreator=OURS, Replace=replace)
    added = {"0009,0011": OURS, "0009,1101": "new"}
    assert private_of(output, place) == {**private_of(data, place), **added}
    output = modified(data, PrivateCreator="SOMEBODY ELSE", Replace=replace)
    assert private_of(output, place) == {**private_of(data, place), **added}, (
        "it is the one that counts there"
    )
    empty = file_with(Element(0x00080070, "LO", "Maker"), place=place)
    output = modified(empty, PrivateCreator=OURS, Replace=replace)
    assert private_of(output, place) == {"0009,0010": OURS, "0009,1001": "new"}


def test_two_blocks_of_one_creator_stay_two() -> None:
    replace = {"0009,1001": "first", "0009,1101": "second"}
    output = modified(file_with(*block(0x12, OURS)), PrivateCreator=OURS, Replace=replace)
    assert private_of(output) == {
        "0009,0011": OURS,
        "0009,0012": OURS,
        "0009,1101": "second",
        "0009,1201": "first",
    }
    kept = file_with(*block(0x11, OURS))
    output = modified(kept, PrivateCreator=OURS, Replace={"0009,1101": "second"})
    assert private_of(output) == {"0009,0011": OURS, "0009,1101": "second"}
