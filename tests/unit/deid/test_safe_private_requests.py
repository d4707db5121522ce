"""Requests that retain safe private elements, and what else they say of private tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.data_sets import Tree
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, modified
from tests.support.judged_private import SAFE, SAFE_CREATOR, declaration, lows, moved, owned, private_tags
from tests.support.small_files import CLASS, INSTANCE, SEQUENCE, nested, small_file, tree_of, value_of

DESCRIPTION = 0x00080300
NUMBER = Element(SAFE, "FL", b"\0\0\x80?")
CREATOR = 0x20010010
UNSAFE = Element(0x20011070, "LO", "DOE^JOHN")
FACT = Element(0x00091001, "LO", "FACT")
EDITIONS = ["2024b", "2025e", "2026d"]
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]


def retained(data: bytes, edition: str = "2026d", **body: Any) -> bytes:
    return anonymized(data, DicomVersion=edition, Profile={"Options": ["RetainSafePrivate"]}, **body)


def top(data: bytes) -> list[int]:
    return private_tags(tree_of(data))


def item_of(data: bytes, tag: int = SEQUENCE) -> Tree:
    return (tree_of(data)[tag].items or [])[0]


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5.6", ""])
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_option_retains_what_is_safe_whatever_the_object(edition: str, sop_class: str) -> None:
    block = owned(SAFE_CREATOR, NUMBER, UNSAFE, block=0x1F)
    data = small_file(Element(CLASS, "UI", sop_class), *block, nested(*block))
    done = retained(data, edition)
    assert top(done) == private_tags(item_of(done)) == [0x2001001F, moved(SAFE, 0x1F)]
    assert top(anonymized(data, DicomVersion=edition)) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_uids_are_mapped_as_those_of_instances_unless_they_are_registered(syntax: str) -> None:
    for value, new in (("1.2.3", None), ("1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1")):
        done = retained(small_file(*owned("NQHeader", Element(0x00991002, "UI", value)), syntax=syntax))
        assert value_of(done, 0x00991002) == (new or value_of(done, INSTANCE))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_uids_stay_with_the_option_that_retains_them(syntax: str) -> None:
    block = owned("ACME 1.1", Element(0x00091001, "UI", "1.2.3"), Element(0x00091002, "UI", "1.2.3"))
    statement = declaration(9, "ACME 1.1", "SAFE", actions=(("U", lows(2)),))
    data = small_file(
        *([] if syntax == BIG else [statement]),
        *block,
        *owned("NQHeader", Element(0x00991002, "UI", "1.2.3")),
        syntax=syntax,
    )
    done = anonymized(
        data, DicomVersion="2026d", Profile={"Options": ["RetainSafePrivate", "RetainUIDs"]}, Force=True
    )
    assert top(done)[-2:] == [0x00990010, 0x00991002]
    assert {value_of(done, tag) for tag in top(done) if tag & 0xFFFF > 0xFF} == {b"1.2.3"}


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


def test_keep_private_tags_keeps_all_but_groups_that_nobody_may_use() -> None:
    block = owned("ACME 1.1", FACT, Element(0x00091002, "DS", "DOE"))
    stray = [Element(0x00090001, "LO", "STRAY"), Element(0x00110010, "LO", "NOBODY")]
    forbidden = [Element(group << 16 | 0x1001, "LO", "DOE") for group in (1, 3, 5, 7, 0xFFFF)]
    whole = sorted([*block, *stray, *forbidden], key=lambda element: element.tag)
    kept = sorted(element.tag for element in [*block, *stray])
    done = retained(
        small_file(nested(*whole), *(e for e in whole if e.tag < 0xFFFF0000)), KeepPrivateTags=True
    )
    assert top(done) == private_tags(item_of(done)) == kept


@pytest.mark.parametrize("options", [["RetainSafePrivate"], []])
def test_a_private_tag_that_is_kept_stays_with_its_creator(options: list[str]) -> None:
    data = small_file(
        *owned("ACME 1.1", FACT, Element(0x00091002, "LO", "DOE")), nested(*owned("ACME 1.1", FACT))
    )
    done = anonymized(data, DicomVersion="2026d", Profile={"Options": options}, Keep=["0009,1001"])
    assert top(done) == [0x00090010, 0x00091001]
    assert private_tags(item_of(done)) == []


def test_a_private_tag_that_is_kept_by_its_creator_stays_beside_safe_ones() -> None:
    block = owned("ACME 1.1", FACT, block=0x13) + owned(SAFE_CREATOR, NUMBER, UNSAFE)
    done = retained(small_file(*block), Keep=["0009,1001"], PrivateCreator="ACME 1.1")
    assert top(done) == [0x00090013, moved(0x00091001, 0x13), CREATOR, SAFE]


def test_a_block_is_not_called_safe_for_what_a_request_keeps_of_it() -> None:
    statement = declaration(9, "ACME 1.1", "UNSAFE")
    done = retained(small_file(statement, *owned("ACME 1.1", FACT)), Keep=["0009,1001"])
    assert top(done) == [0x00090010, 0x00091001]
    assert DESCRIPTION not in tree_of(done)


def test_a_safe_tag_that_is_removed_goes_everywhere_and_so_does_its_creator() -> None:
    block = owned(SAFE_CREATOR, NUMBER)
    other = Element(0x20011004, "CS", "SAFE")
    done = retained(small_file(*block, nested(*block, other)), Remove=["2001,1003"])
    assert top(done) == []
    assert private_tags(item_of(done)) == [CREATOR, 0x20011004]


@pytest.mark.parametrize("names_creator", [False, True])
def test_a_private_tag_that_is_replaced_takes_no_block_of_safe_ones(names_creator: bool) -> None:  # noqa: FBT001
    creator = {"PrivateCreator": "EX TRIALS"} if names_creator else {}
    done = retained(small_file(*owned(SAFE_CREATOR, NUMBER)), Replace={"2001,1003": "42"}, **creator)
    if names_creator:
        assert top(done) == [CREATOR, 0x20010011, SAFE, moved(SAFE, 0x11)]
        assert value_of(done, moved(SAFE, 0x11)) == b"42"
    else:
        assert top(done) == [CREATOR, SAFE]
        assert value_of(done, CREATOR) == SAFE_CREATOR.encode()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_paths_reach_private_tags_in_items_that_are_judged(syntax: str) -> None:
    block = owned(SAFE_CREATOR, NUMBER, Element(0x20011004, "CS", "SAFE"), UNSAFE)
    data = small_file(nested(*block), syntax=syntax)
    kept = anonymized(data, DicomVersion="2026d", Keep=["0008,1250[0].2001,1070"])
    assert private_tags(item_of(kept)) == [CREATOR, 0x20011070]
    done = retained(data, Keep=["0008,1250[0].2001,1070"], Remove=["0008,1250[*].2001,1003"])
    assert private_tags(item_of(done)) == [CREATOR, 0x20011004, 0x20011070]


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
