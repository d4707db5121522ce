"""Requests that retain safe private elements, and what else they say of private tags."""

from __future__ import annotations

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized
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
    moved,
    owned,
    private_tags,
    retained,
    top,
)
from tests.support.small_files import CLASS, nested, small_file, tree_of, value_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
EDITIONS = ["2024b", "2025e", "2026d"]


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5.6", ""])
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_option_retains_what_is_safe_whatever_the_object(edition: str, sop_class: str) -> None:
    block = owned(SAFE_CREATOR, NUMBER, UNSAFE, block=0x1F)
    data = small_file(Element(CLASS, "UI", sop_class), *block, nested(*block))
    done = retained(data, DicomVersion=edition)
    assert top(done) == private_tags(item_of(done)) == [0x2001001F, moved(SAFE, 0x1F)]
    assert top(anonymized(data, DicomVersion=edition)) == []


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


def test_a_safe_tag_that_is_removed_by_its_creator_goes_from_items_wherever_its_block_is() -> None:
    block = owned(SAFE_CREATOR, NUMBER, Element(0x20011004, "CS", "SAFE"), block=0x12)
    done = retained(small_file(*block, nested(*block)), Remove=["2001,1003"], PrivateCreator=SAFE_CREATOR)
    assert top(done) == private_tags(item_of(done)) == [0x20010012, moved(0x20011004, 0x12)]
