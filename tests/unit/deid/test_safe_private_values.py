"""Whose a private element is, and what it may hold, to stay as a safe one."""

from __future__ import annotations

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, JPEG, Element, Fragments
from tests.support.judged_private import (
    CREATOR,
    NUMBER,
    SAFE,
    SAFE_CREATOR,
    declaration,
    item_of,
    moved,
    owned,
    private_tags,
    retained,
    top,
)
from tests.support.small_files import INSTANCE, nested, small_file, value_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]


def test_elements_of_a_private_group_that_lie_in_no_block_go() -> None:
    strays = [
        Element(0x20010001, "LO", "DOE"),
        *owned(SAFE_CREATOR, NUMBER),
        Element(0x20010F01, "LO", "DOE"),
    ]
    strays.sort(key=lambda one: one.tag)
    done = retained(small_file(*strays, nested(*strays)))
    assert top(done) == private_tags(item_of(done)) == [CREATOR, SAFE]


def test_a_creator_that_reserves_two_blocks_owns_both() -> None:
    blocks = sorted(
        owned(SAFE_CREATOR, NUMBER) + owned(SAFE_CREATOR, NUMBER, block=0x11), key=lambda one: one.tag
    )
    done = retained(small_file(*blocks, nested(*blocks)))
    assert top(done) == private_tags(item_of(done)) == [CREATOR, 0x20010011, SAFE, moved(SAFE, 0x11)]


def test_a_creator_none_of_whose_elements_stay_goes() -> None:
    unsafe = Element(0x20011070, "LO", "DOE^JOHN")
    block = owned(SAFE_CREATOR, unsafe) + owned(SAFE_CREATOR, NUMBER, block=0x12)
    block.sort(key=lambda one: one.tag)
    done = retained(small_file(*block, nested(*block)))
    assert top(done) == private_tags(item_of(done)) == [0x20010012, moved(SAFE, 0x12)]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("vr", "value", "stays"),
    [
        ("DS", "1.5\\-2e3 ", True),
        ("IS", "0012", True),
        ("UN", "12", True),
        ("DS", "", True),
        ("DS", "DOE^JOHN", False),
        ("UN", "DOE^JOHN", False),
        ("LO", "DOE^JOHN", False),
        ("PN", "DOE^JOHN", False),
    ],
)
def test_what_the_table_calls_a_number_stays_if_it_is_one(
    vr: str,
    value: str,
    stays: bool,  # noqa: FBT001
    syntax: str,
) -> None:
    block = owned("GEMS_ACQU_01", Element(0x00191023, vr, value))
    done = retained(small_file(*block, nested(*block), syntax=syntax))
    assert top(done) == private_tags(item_of(done)) == ([0x00190010, 0x00191023] if stays else [])


def test_a_number_stays_as_another_kind_of_number_than_the_table_says() -> None:
    block = owned("GEMS_ACQU_01", Element(0x00191023, "FD", b"\0\0\0\0\0\0\xf8?"))
    assert top(retained(small_file(*block))) == [0x00190010, 0x00191023]


@pytest.mark.parametrize("frames", [bytes(64), Fragments((bytes(64), bytes(64)))])
def test_what_stands_behind_the_pixels_is_judged_as_well(frames: bytes | Fragments) -> None:
    is_encapsulated = isinstance(frames, Fragments)
    pixels = Element(0x7FE00010, "OB", frames, undefined=is_encapsulated)
    block = owned("ACME 1.1", Element(0x7FE11001, "LO", "FACT")) + owned(
        "OTHER", Element(0x7FE11001, "LO", "DOE"), block=0x11
    )
    block.sort(key=lambda element: element.tag)
    data = small_file(
        declaration(0x7FE1, "ACME 1.1", "SAFE"), pixels, *block, syntax=JPEG if is_encapsulated else EXPLICIT
    )
    assert top(retained(data)) == [0x7FE10010, 0x7FE11001]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_uids_are_mapped_as_those_of_instances_unless_they_are_registered(syntax: str) -> None:
    for value, new in (("1.2.3", None), ("1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1")):
        done = retained(small_file(*owned("NQHeader", Element(0x00991002, "UI", value)), syntax=syntax))
        assert value_of(done, 0x00991002) == (new or value_of(done, INSTANCE))


@pytest.mark.parametrize(
    "declared", ["", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 13\\ISO 2022 IR 87"]
)
@pytest.mark.parametrize(
    "name", ["\u0418\u0432\u0430\u043d".encode("cp1251"), "\u0418\u0432\u0430\u043d".encode()]
)
def test_a_creator_with_bytes_that_are_no_text_is_nobodys(declared: str, name: bytes) -> None:
    charset = [Element(0x00080005, "CS", declared)] if declared else []
    for creator in (SAFE_CREATOR.encode() + name, name + SAFE_CREATOR.encode()):
        block = [Element(CREATOR, "LO", creator + b" " * (len(creator) % 2)), NUMBER]
        done = retained(small_file(*charset, *block, nested(*block)))
        assert top(done) == private_tags(item_of(done)) == []
        assert name not in done
