"""Private tags of requests: their VRs, sequences and items, and the creator of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.model.settings import PrivateTag, Settings
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, Fragments
from tests.support.edits import edited, modified, rewriter
from tests.support.private_blocks import OURS, PLACES, THEIRS, block, file_with, private_of
from tests.support.small_files import SEQUENCE, nested, small_file, tree_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
NESTED = Element(0x00081030, "LO", "old")


def with_default(data: bytes, *, anonymize: bool = False, **body: Any) -> bytes:
    """Return a file edited under the setting DefaultPrivateCreator."""
    settings = Settings(default_private_creator=OURS, default_dicom_version="2023b")
    return edited(data, rewriter(body, anonymize=anonymize, settings=settings))


@pytest.mark.parametrize("anonymize", [False, True])
def test_a_declared_vr_follows_the_element_into_another_block(anonymize: bool) -> None:  # noqa: FBT001
    settings = Settings(dictionary=(PrivateTag(0x00091001, "DS", "TrialScore", OURS),))
    body: dict[str, Any] = {"PrivateCreator": OURS, "Replace": {"TrialScore": "0.8"}}
    body |= {"KeepPrivateTags": True} if anonymize else {}
    data = file_with(*block(0x10, THEIRS, (1, "theirs")))
    tree = tree_of(edited(data, rewriter(body, anonymize=anonymize, settings=settings)))
    assert (tree[0x00091101].vr, tree[0x00091101].value) == ("DS", b"0.8 ")
    assert tree[0x00091001].value == b"theirs"


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_path_goes_through_the_private_sequence_of_its_creator(syntax: str, undefined: bool) -> None:  # noqa: FBT001
    def sequence(number: int) -> Element:
        return Element(0x00090000 | number << 8 | 2, "SQ", [[NESTED]], undefined=undefined)

    elements = [
        Element(0x00090010, "LO", THEIRS),
        Element(0x00090011, "LO", OURS),
        sequence(0x10),
        sequence(0x11),
    ]
    data = small_file(*elements, syntax=syntax)
    output = modified(data, PrivateCreator=OURS, Replace={"0009,1002[0].0008,1030": "new"})
    tree = tree_of(output)
    found = [(tree[tag].items or [])[0][0x00081030].value for tag in (0x00091002, 0x00091102)]
    assert found == [b"old ", b"new "]
    nowhere: dict[str, Any] = {"PrivateCreator": "NOBODY", "Replace": {"0009,1002[0].0008,1030": "new"}}
    assert private_of(modified(data, **nowhere)) == private_of(data)
    assert b"new" not in modified(data, **nowhere)


def test_private_elements_behind_encapsulated_pixel_data_are_found() -> None:
    frames = Element(0x7FE00010, "OB", Fragments((b"\xff\xd8\xff\xd9",)), undefined=True)
    elements = [*block(0x10, THEIRS, group=0x7FE1), *block(0x11, OURS, (1, "old"), group=0x7FE1)]
    data = small_file(frames, *sorted(elements, key=lambda element: element.tag), syntax=JPEG)
    output = modified(data, PrivateCreator=OURS, Replace={"7fe1,1001": "new"})
    assert private_of(output) == {**private_of(data), "7fe1,1101": "new"}


def test_items_that_the_request_brings_get_the_creators_they_lack() -> None:
    items = [
        {"0009,1001": "x"},
        {"0009,0010": "OWN", "0009,1001": "y"},
        {"0008,1030": "z", "0008,1250": [{"0033,1102": "w"}]},
    ]
    body: dict[str, Any] = {"Replace": {"0008,1250": items}}
    for output in (modified(small_file(), PrivateCreator=OURS, **body), with_default(small_file(), **body)):
        first, second, third = tree_of(output)[SEQUENCE].items or []
        (inner,) = third[SEQUENCE].items or []
        texts = [
            {tag: node.value.strip(b" \0") for tag, node in item.items()} for item in (first, second, inner)
        ]
        ours = OURS.encode()
        assert texts == [
            {0x00090010: ours, 0x00091001: b"x"},
            {0x00090010: b"OWN", 0x00091001: b"y"},
            {0x00330011: ours, 0x00331102: b"w"},
        ]
    first, _, _ = tree_of(modified(small_file(), **body))[SEQUENCE].items or []
    assert list(first) == [0x00091001]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_creator_of_the_settings_reserves_a_free_block_and_moves_nothing(place: str, syntax: str) -> None:
    replace = {f"{place}0009,1001": "new"}
    for present, reserved in (
        ([], True),
        (block(0x11, THEIRS, (1, "theirs")), True),
        ([Element(0x00091001, "LO", "nobody's")], True),
        ([Element(0x00091002, "LO", "nobody's")], False),
        (block(0x10, THEIRS, (1, "theirs"), (2, "more")), False),
        ([*block(0x10, THEIRS), *block(0x11, OURS)], False),
    ):
        elements = sorted(present, key=lambda element: element.tag)
        data = file_with(Element(0x00080070, "LO", "Maker"), *elements, place=place, syntax=syntax)
        added = {"0009,1001": "new", **({"0009,0010": OURS} if reserved else {})}
        assert private_of(with_default(data, Replace=replace), place) == {**private_of(data, place), **added}


def test_the_creator_of_the_settings_decides_nothing_for_remove_and_keep() -> None:
    theirs, ours = block(0x10, THEIRS, (1, "theirs")), block(0x11, OURS, (1, "ours"))
    data = file_with(*sorted([*theirs, *ours], key=lambda element: element.tag))
    assert "0009,1001" not in private_of(with_default(data, Remove=["0009,1001"]))
    assert private_of(with_default(data, anonymize=True, Keep=["0009,1001"])) == {"0009,1001": "theirs"}


def test_one_engine_moves_the_elements_of_each_file_where_they_belong() -> None:
    engine = rewriter({"PrivateCreator": OURS, "Replace": {"0009,1001": "new"}}, anonymize=False)
    for number in (0x10, 0x11, 0x55, 0x10, 0x11):
        data = file_with(*block(number, OURS, (1, "old")))
        assert private_of(edited(data, engine)) == {**private_of(data), f"0009,{number << 8 | 1:04x}": "new"}
    other = file_with(*block(0x10, THEIRS))
    assert private_of(edited(other, engine)) == {"0009,0010": THEIRS, "0009,0011": OURS, "0009,1101": "new"}


def test_creators_are_compared_in_the_character_set_of_their_data_set() -> None:
    declared = [Element(0x00080005, "CS", "ISO_IR 100"), Element(0x00090010, "LO", "MÜLLER")]
    output = modified(small_file(*declared), PrivateCreator="MÜLLER", Replace={"0009,1001": "new"})
    assert sorted(tag for tag in tree_of(output) if tag >> 16 == 9) == [0x00090010, 0x00091001]
    in_item = [nested(Element(0x00080005, "CS", "ISO_IR 192"), Element(0x00090010, "LO", "MÜLLER".encode()))]
    path = {"0008,1250[0].0009,1001": "new"}
    output = modified(small_file(*in_item), PrivateCreator="MÜLLER", Replace=path)
    (item,) = tree_of(output)[SEQUENCE].items or []
    assert sorted(tag for tag in item if tag >> 16 == 9) == [0x00090010, 0x00091001]
