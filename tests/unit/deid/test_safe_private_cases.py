"""The tricky cases of private elements, each by name."""

from __future__ import annotations

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized
from tests.support.judged_private import (
    CREATOR,
    NUMBER,
    SAFE,
    SAFE_CREATOR,
    SAFE_SEQUENCE,
    declaration,
    item_of,
    moved,
    owned,
    private_tags,
    retained,
    top,
)
from tests.support.small_files import CLASS, INSTANCE, NAME, SEQUENCE, nested, small_file, tree_of, value_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
NAMED = Element(NAME, "PN", "Doe^John")


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


def private_sequence(*, unknown: bool, undefined: bool) -> list[Element]:
    """Return a safe sequence with names, a reference, what nobody knows, and elements of two creators."""
    inside = [
        Element(0x00080060, "CS", "MR"),
        Element(0x00081030, "LO", "SECRET"),
        Element(0x00081155, "UI", "1.2.3"),
        nested(Element(0x00100010, "PN", "SECRET"), *owned(SAFE_CREATOR, NUMBER), tag=0x00081199),
        Element(0x00100010, "PN", "SECRET"),
        Element(0x00107777, "LO", "SECRET"),
        *owned("ACME 1.1", Element(0x00191001, "LO", "SECRET")),
        *owned(SAFE_CREATOR, NUMBER, Element(0x20011070, "LO", "SECRET"), block=0x20),
    ]
    return owned(SAFE_CREATOR, Element(0x2001105F, "SQ", [inside, []], undefined=undefined, unknown=unknown))


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.4", "1.2.3.4.5.6"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_cases_6_and_7_a_private_sequence_is_parsed_whatever_its_vr(
    syntax: str,
    sop_class: str,
    unknown: bool,  # noqa: FBT001
    undefined: bool,  # noqa: FBT001
) -> None:
    block = private_sequence(unknown=unknown, undefined=undefined)
    data = small_file(Element(CLASS, "UI", sop_class), *block, nested(*block), syntax=syntax)
    done = retained(data)
    assert b"SECRET" not in done
    assert top(done) == private_tags(item_of(done)) == [CREATOR, 0x2001105F]
    for sequence in (tree_of(done)[0x2001105F], item_of(done)[0x2001105F]):
        found, empty = sequence.items or []
        assert empty == {}
        assert found[0x00080060].value == b"MR"
        assert found[0x00081155].value.rstrip(b"\0") == value_of(done, INSTANCE)
        assert private_tags(found) == [0x20010020, moved(SAFE, 0x20)]
        assert private_tags((found[0x00081199].items or [])[0]) == [CREATOR, SAFE]
    assert top(anonymized(data, DicomVersion="2026d")) == []


BROKEN = [
    b"\xfe\xff\x00\xe0\x18\0\0\0\x10\0\x10\0\x40\0\0\0DOE^JOHN DOE^JOHN",
    b"\xfe\xff\x00\xe0\xff\0\0\0\x10\0\x10\0\x08\0\0\0DOE^JOHN",  # the item is longer than its element
    b"\xfe\xff\x00\xe0\x10\0\0\0\x10\0\x10\0\x08\0\0\0DOE^JOHNDOE^JOHN",  # something behind it
    # A sequence in it is none.
    b"\xfe\xff\x00\xe0\x18\0\0\0\x08\0\x50\x12\x10\0\0\0\xfe\xff\x00\xe0\x10\0\0\0DOE^JOHN",
]


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_case_7_an_unknown_value_that_only_begins_like_a_sequence_goes_with_its_creator(
    syntax: str, value: bytes
) -> None:
    kept = owned(SAFE_CREATOR, NUMBER)
    block = owned("Philips Imaging DD 002", Element(0x2001103A, "UN", value), block=0x11)
    safe = [declaration(9, "ACME 1.1", "SAFE"), *owned("ACME 1.1", Element(0x00091002, "UN", value))]
    whole = sorted([*safe, *kept, *block], key=lambda element: element.tag)
    done = retained(small_file(*whole, nested(*whole), syntax=syntax))
    assert b"JOHN" not in done
    assert top(done) == private_tags(item_of(done)) == [CREATOR, SAFE]
