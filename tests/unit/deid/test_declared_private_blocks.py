"""What a file says of its private blocks, and what it says of them afterwards."""

from __future__ import annotations

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, modified
from tests.support.judged_private import (
    CREATOR,
    DESCRIPTION,
    FACT,
    NUMBER,
    SAFE,
    SAFE_CREATOR,
    UNSAFE,
    declaration,
    item_of,
    lows,
    owned,
    private_tags,
    retained,
    top,
)
from tests.support.small_files import INSTANCE, nested, small_file, tree_of, value_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_of_a_mixed_block_what_identifies_nobody_stays(syntax: str) -> None:
    block = owned("ACME 1.1", *(Element(0x00091001 + low, "LO", f"FACT {low}") for low in range(4)))
    data = small_file(declaration(9, "ACME 1.1", "MIXED", nonidentifying=lows(2, 4)), *block, syntax=syntax)
    assert top(retained(data)) == [0x00090010, 0x00091002, 0x00091004]


def test_what_a_file_says_of_its_blocks_wins_over_the_table() -> None:
    block = owned(SAFE_CREATOR, NUMBER, Element(0x20011004, "LO", "DOE"))
    assert top(retained(small_file(declaration(0x2001, SAFE_CREATOR, "UNSAFE"), *block))) == []
    only = declaration(0x2001, SAFE_CREATOR, "MIXED", nonidentifying=lows(3))
    assert top(retained(small_file(only, *block))) == [CREATOR, SAFE]


def test_two_statements_about_a_block_are_read_as_the_stricter() -> None:
    block = owned("ACME 1.1", Element(0x00091001, "LO", "FACT"))
    items = [declaration(9, "ACME 1.1", status).value[0] for status in ("SAFE", "UNSAFE")]  # type: ignore[index]
    assert top(retained(small_file(Element(0x00080300, "SQ", items), *block))) == []  # type: ignore[arg-type]


def test_a_statement_holds_in_the_items_of_its_data_set_and_not_around_it() -> None:
    block = owned("ACME 1.1", Element(0x00091001, "LO", "FACT"))
    statement = declaration(9, "ACME 1.1", "SAFE")
    done = retained(small_file(statement, nested(*block), *block))
    assert top(done) == private_tags(item_of(done)) == [0x00090010, 0x00091001]
    done = retained(small_file(nested(statement, *block), *block))
    assert private_tags(item_of(done)) == [0x00090010, 0x00091001]
    assert top(done) == []


@pytest.mark.parametrize(("code", "stays"), [("X", False), ("U", True), ("K", False), ("", False)])
def test_actions_that_a_file_asks_for_are_taken(code: str, stays: bool) -> None:  # noqa: FBT001
    block = owned("ACME 1.1", Element(0x00091001, "UI", "1.2.3.4"), Element(0x00091002, "LO", "FACT"))
    statement = declaration(9, "ACME 1.1", "SAFE", actions=((code, lows(1)),))
    done = retained(small_file(statement, *block))
    assert (0x00091001 in top(done)) == stays
    assert 0x00091002 in top(done)
    if stays:
        assert value_of(done, 0x00091001).startswith(b"2.25.")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vr", ["UI", "UN"])
def test_uids_in_blocks_that_are_declared_safe_are_mapped(vr: str, syntax: str) -> None:
    uid = "1.2.826.0.1.3680043.8.498.9"
    block = owned("ACME 1.1", Element(0x00091001, vr, uid.encode() + b"\0"))
    done = retained(small_file(declaration(9, "ACME 1.1", "SAFE"), *block, nested(*block), syntax=syntax))
    assert uid.encode() not in done
    assert value_of(done, 0x00091001) == item_of(done)[0x00091001].value.rstrip(b" \0")
    assert value_of(done, 0x00091001).startswith(b"2.25.")


def test_of_what_a_file_says_the_stricter_reading_counts_where_whole_elements_are_given() -> None:
    block = owned("ACME 1.1", Element(0x00091001, "LO", "FACT"), Element(0x00091002, "LO", "DOE"))
    statement = declaration(9, "ACME 1.1", "SAFE", actions=(("X", lows(0x1002)),))
    assert top(retained(small_file(statement, *block))) == [0x00090010, 0x00091001]
    statement = declaration(9, "ACME 1.1", "MIXED", nonidentifying=lows(1, 0x1002))
    assert top(retained(small_file(statement, *block))) == [0x00090010, 0x00091001]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_what_describes_private_blocks_names_those_that_stay_and_no_more(syntax: str) -> None:
    items = [
        item
        for one in (
            declaration(9, "ACME 1.1", "SAFE", actions=(("X", lows(3)),)),
            declaration(9, "ACME GONE", "UNSAFE"),
            declaration(9, "ACME ABSENT", "SAFE"),
            declaration(0x2001, SAFE_CREATOR, "MIXED", nonidentifying=lows(3)),
        )
        if isinstance(one.value, list)
        for item in one.value
    ]
    blocks = [
        *owned("ACME 1.1", FACT, Element(0x00091003, "LO", "DOE")),
        *owned(SAFE_CREATOR, NUMBER, UNSAFE),
    ]
    blocks += owned("ACME GONE", FACT, block=0x11)
    blocks.sort(key=lambda element: element.tag)
    data = small_file(Element(DESCRIPTION, "SQ", items, undefined=True), *blocks, syntax=syntax)
    for done in (first := retained(data), retained(first)):
        found = [
            (
                item[0x00080301].value,
                item[0x00080302].value.strip(),
                item[0x00080303].value.strip(),
                len(item),
            )
            for item in tree_of(done)[DESCRIPTION].items or []
        ]
        assert found == [
            (b"\x09\0", b"ACME 1.1", b"SAFE", 3),
            (b"\x01\x20", SAFE_CREATOR.encode(), b"SAFE", 3),
        ]
        assert top(done) == [0x00090010, 0x00091001, CREATOR, SAFE]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_second_pass_finds_nothing_to_do_in_items(syntax: str) -> None:
    block = [declaration(9, "ACME 1.1", "SAFE"), *owned("ACME 1.1", FACT)]
    first = retained(small_file(nested(*block), syntax=syntax))
    assert item_of(first) == item_of(retained(first))
    assert private_tags(item_of(first)) == [0x00090010, 0x00091001]
    assert DESCRIPTION in item_of(first)


def test_what_describes_private_blocks_goes_with_all_of_them() -> None:
    data = small_file(declaration(9, "ACME 1.1", "UNSAFE"), *owned("ACME 1.1", FACT))
    assert DESCRIPTION not in tree_of(retained(data))
    assert DESCRIPTION not in tree_of(anonymized(data, DicomVersion="2026d"))
    assert DESCRIPTION in tree_of(anonymized(data, DicomVersion="2023b"))
    assert DESCRIPTION in tree_of(anonymized(data, DicomVersion="2026d", KeepPrivateTags=True))
    assert DESCRIPTION in tree_of(modified(data, RemovePrivateTags=True, Force=True))


def test_actions_that_a_file_asks_for_write_dummies_empty_values_and_new_uids() -> None:
    elements = [
        Element(0x00091001, "LO", "DOE"),
        Element(0x00091002, "LO", "DOE"),
        Element(0x00091003, "UI", "1.2.3"),
        Element(0x00091004, "LO", "DOE"),
        Element(0x00091005, "UN", b"DOE "),
        Element(0x00091006, "DA", "19700101"),
        Element(0x00091007, "SQ", [[FACT]]),
    ]
    actions = (("D", lows(1, 5, 6, 7)), ("Z", lows(2)), ("U", lows(3)), ("X", lows(4)))
    statement = declaration(9, "ACME 1.1", "UNSAFE", actions=actions)
    done = retained(small_file(statement, *owned("ACME 1.1", *elements)))
    assert top(done) == [0x00090010, 0x00091001, 0x00091002, 0x00091003, 0x00091006]
    assert value_of(done, 0x00091001) == b"ANONYMIZED"
    assert value_of(done, 0x00091002) == b""
    assert value_of(done, 0x00091003) == value_of(done, INSTANCE)
    assert len(value_of(done, 0x00091006)) == 8
    assert b"1970" not in done


@pytest.mark.parametrize(("charset", "codec"), [("ISO_IR 100", "latin-1"), ("ISO_IR 192", "utf-8")])
def test_creators_beyond_ascii_are_read_in_the_character_set_of_their_data_set(
    charset: str, codec: str
) -> None:
    creator = "\u00c4RZTE".encode(codec)
    creator += b" " * (len(creator) % 2)
    item = [
        Element(0x00080301, "US", 9),
        Element(0x00080302, "LO", creator),
        Element(0x00080303, "CS", "SAFE"),
    ]
    block = [Element(0x00080300, "SQ", [item]), Element(0x00090010, "LO", creator), FACT]
    done = retained(small_file(Element(0x00080005, "CS", charset), *block))
    assert top(done) == [0x00090010, 0x00091001]
    assert [node[0x00080302].value for node in tree_of(done)[DESCRIPTION].items or []] == [creator]


def test_a_block_of_which_a_request_keeps_more_is_not_called_safe() -> None:
    block = owned("ACME 1.1", FACT, Element(0x00091002, "LO", "FACT"))
    statement = declaration(9, "ACME 1.1", "MIXED", nonidentifying=lows(2))
    done = retained(small_file(statement, *block), Keep=["0009,1001"])
    assert top(done) == [0x00090010, 0x00091001, 0x00091002]
    assert DESCRIPTION not in tree_of(done)


def test_a_dummy_of_an_unknown_vr_is_none_so_that_the_creator_goes_too() -> None:
    statement = declaration(9, "ACME 1.1", "UNSAFE", actions=(("D", lows(1)),))
    assert top(retained(small_file(statement, *owned("ACME 1.1", Element(0x00091001, "UN", b"DOE "))))) == []


@pytest.mark.parametrize(("length", "stays"), [(64, True), (65, False)])
def test_a_creator_has_no_more_characters_than_a_long_string(length: int, stays: bool) -> None:  # noqa: FBT001
    creator = "A" * length
    done = retained(small_file(declaration(9, creator, "SAFE"), *owned(creator, FACT)))
    assert top(done) == ([0x00090010, 0x00091001] if stays else [])
