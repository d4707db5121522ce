"""The tricky cases of private elements, each by name."""

from __future__ import annotations

import pytest

from tests.compat.data_sets import Tree
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized
from tests.support.judged_private import (
    SAFE,
    SAFE_CREATOR,
    SAFE_SEQUENCE,
    declaration,
    lows,
    moved,
    owned,
    private_tags,
    retained,
)
from tests.support.small_files import NAME, SEQUENCE, nested, small_file, tree_of, value_of

NUMBER = Element(SAFE, "FL", b"\0\0\x80?")
NAMED = Element(NAME, "PN", "Doe^John")
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
CREATOR = 0x20010010


def top(data: bytes) -> list[int]:
    return private_tags(tree_of(data))


def item_of(data: bytes, tag: int = SEQUENCE, index: int = 0) -> Tree:
    return (tree_of(data)[tag].items or [])[index]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_case_1_a_name_under_some_creator_goes_with_its_creator(syntax: str) -> None:
    block = owned("ACME 1.1", Element(0x00091010, "LO", "DOE^JOHN"))
    data = small_file(*block, nested(*block), syntax=syntax)
    assert b"DOE^JOHN" in data
    done = retained(data)
    assert top(done) == []
    assert private_tags(item_of(done)) == []
    assert b"ACME" not in done


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("creator", [None, "", "  "])
def test_case_2_an_element_whose_block_nobody_reserved_goes(creator: str | None, syntax: str) -> None:
    block = [NUMBER] if creator is None else [Element(CREATOR, "LO", creator), NUMBER]
    done = retained(small_file(*block, nested(*block), syntax=syntax))
    assert top(done) == []
    assert private_tags(item_of(done)) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_case_3_a_safe_element_stays_in_another_block_with_its_creator(syntax: str) -> None:
    block = owned(SAFE_CREATOR, NUMBER, block=0x12)
    done = retained(small_file(*block, nested(*block), syntax=syntax))
    assert top(done) == [0x20010012, moved(SAFE, 0x12)]
    assert private_tags(item_of(done)) == [0x20010012, moved(SAFE, 0x12)]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_case_4_the_same_tag_under_another_creator_goes(syntax: str) -> None:
    data = small_file(*owned("ACME 1.1", NUMBER), *owned(SAFE_CREATOR, NUMBER, block=0x11), syntax=syntax)
    assert top(retained(data)) == [0x20010011, moved(SAFE, 0x11)]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("creator", "stays"),
    [
        (SAFE_CREATOR + "   ", True),
        (SAFE_CREATOR + "\0", True),
        (SAFE_CREATOR + " \0 \0", True),
        (SAFE_CREATOR.lower(), False),
        (SAFE_CREATOR.upper(), False),
        (SAFE_CREATOR + "\0DOE^JOHN", False),
        (SAFE_CREATOR + "\\DOE^JOHN", False),
        (SAFE_CREATOR.replace(" ", "  ", 1), False),
        (SAFE_CREATOR + " " * 5000 + "DOE^JOHN", False),
        ("\0" + SAFE_CREATOR, False),
    ],
)
def test_case_5_a_creator_matches_but_for_its_padding(creator: str, stays: bool, syntax: str) -> None:  # noqa: FBT001
    block = owned(creator, NUMBER)
    done = retained(small_file(*block, nested(*block), syntax=syntax))
    wanted = [CREATOR, SAFE] if stays else []
    assert top(done) == private_tags(item_of(done)) == wanted


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_case_6_a_safe_private_sequence_is_parsed_and_each_element_judged(
    syntax: str,
    unknown: bool,  # noqa: FBT001
    undefined: bool,  # noqa: FBT001
) -> None:
    inside = [
        Element(0x00080060, "CS", "MR"),
        NAMED,
        *owned("ACME 1.1", Element(0x00091001, "LO", "SECRET")),
        *owned(SAFE_CREATOR, NUMBER, block=0x20),
    ]
    sequence = Element(SAFE_SEQUENCE, "SQ", [inside], undefined=undefined, unknown=unknown)
    done = retained(small_file(*owned(SAFE_CREATOR, sequence), syntax=syntax))
    assert b"Doe" not in done
    assert b"SECRET" not in done
    found = item_of(done, SAFE_SEQUENCE)
    assert found[0x00080060].value == b"MR"
    assert private_tags(found) == [0x20010020, moved(SAFE, 0x20)]


def test_case_7_an_unknown_value_with_a_sequence_inside_goes_without_the_option_and_is_parsed_with_it() -> (
    None
):
    sequence = Element(SAFE_SEQUENCE, "SQ", [[NAMED, *owned(SAFE_CREATOR, NUMBER)]], unknown=True)
    data = small_file(*owned(SAFE_CREATOR, sequence))
    assert top(anonymized(data)) == []
    done = retained(data)
    assert b"Doe" not in done
    assert private_tags(item_of(done, SAFE_SEQUENCE)) == [CREATOR, SAFE]


@pytest.mark.parametrize(
    "value",
    [
        b"DOE^JOHN",
        b"\xfe\xff\x00\xe0\x10\0\0\0DOE^JOHN",  # an item that is none
        b"\xfe\xff\x00\xe0\x10\0\0\0\x10\0\x10\0\x40\0\0\0Doe^John",  # whose element is longer than it
        b"\xfe\xff\x00\xe0\x00\x10\0\0Doe^John",
    ],
)
@pytest.mark.parametrize("vr", ["UN", "OB"])
def test_case_7_what_should_be_a_sequence_and_cannot_be_parsed_goes(vr: str, value: bytes) -> None:
    block = owned(SAFE_CREATOR, NUMBER, Element(SAFE_SEQUENCE, vr, value))
    done = retained(small_file(*block, nested(*block)))
    assert b"John" not in done
    assert b"JOHN" not in done
    assert top(done) == private_tags(item_of(done)) == [CREATOR, SAFE]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_case_8_two_creators_claim_a_group_in_two_items_and_each_item_is_judged_by_its_own(
    syntax: str,
) -> None:
    safe, other = owned(SAFE_CREATOR, NUMBER), owned("ACME 1.1", NUMBER)
    for items in ([safe, other], [other, safe], [safe, [NUMBER]]):
        done = retained(small_file(Element(SEQUENCE, "SQ", items), *other, syntax=syntax))
        assert [private_tags(item_of(done, index=index)) for index in (0, 1)] == [
            [CREATOR, SAFE] if item is safe else [] for item in items
        ]
        assert top(done) == []


def test_case_8_a_creator_outside_a_sequence_owns_nothing_in_it() -> None:
    done = retained(small_file(*owned(SAFE_CREATOR, NUMBER), nested(NUMBER)))
    assert top(done) == [CREATOR, SAFE]
    assert private_tags(item_of(done)) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_case_9_a_block_declared_safe_stays_with_the_option_alone(syntax: str) -> None:
    block = owned("ACME 1.1", Element(0x00091001, "LO", "FACT"), Element(0x000910FF, "LO", "OTHER"))
    data = small_file(declaration(9, "ACME 1.1", "SAFE"), *block, syntax=syntax)
    assert top(retained(data)) == [0x00090010, 0x00091001, 0x000910FF]
    assert top(anonymized(data)) == []
    for status in ("UNSAFE", "MIXED", "", "safe", "PERHAPS"):
        data = small_file(declaration(9, "ACME 1.1", status), *block, syntax=syntax)
        assert top(retained(data)) == []


@pytest.mark.parametrize("group", [0x0009, 0x4321, 0x7FE1, 0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF])
def test_case_10_forbidden_groups_go_whatever_is_declared(group: int) -> None:
    base = group << 16
    block = [Element(base | 0x10, "LO", "ACME 1.1"), Element(base | 0x1001, "LO", "FACT")]
    data = small_file(declaration(group, "ACME 1.1", "SAFE"), nested(*block))
    is_allowed = group in {0x0009, 0x4321, 0x7FE1}
    assert private_tags(item_of(retained(data))) == ([base | 0x10, base | 0x1001] if is_allowed else [])


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
    unsafe = Element(0x20011011, "LO", "DOE^JOHN")
    block = owned(SAFE_CREATOR, unsafe) + owned(SAFE_CREATOR, NUMBER, block=0x12)
    block.sort(key=lambda one: one.tag)
    done = retained(small_file(*block, nested(*block)))
    assert top(done) == private_tags(item_of(done)) == [0x20010012, moved(SAFE, 0x12)]


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
