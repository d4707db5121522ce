"""Whatever a file holds: what stays of private elements is known to be safe, and says whose it is."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import Tree
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.judged_private import declaration, lows, retained, rows
from tests.support.small_files import SEQUENCE, small_file, tree_of

DataSet: TypeAlias = "list[Element]"

KNOWN = {(creator, tag >> 16, tag & 0xFF) for creator, tag, _ in rows()}
PHILIPS, GE, SAFE, MIXED, ACME = "Philips Imaging DD 001", "GEMS_ACQU_01", "EX SAFE", "EX MIXED", "ACME 1.1"
GROUPS = [0x0001, 0x0009, 0x0019, 0x2001]
STATEMENTS = [
    item
    for group in GROUPS
    for one in (
        declaration(group, SAFE, "SAFE", actions=(("X", lows(7)),)),
        declaration(group, MIXED, "MIXED", nonidentifying=lows(3)),
        declaration(group, ACME, "UNSAFE"),
    )
    if isinstance(one.value, list)
    for item in one.value
]
CREATORS = st.sampled_from([PHILIPS, PHILIPS + " ", GE, SAFE, MIXED, ACME, "", PHILIPS.lower(), "DOE^JOHN"])
LOWS = st.sampled_from(
    [0x03, 0x07, 0x23, 0x5F, 0x9E]
)  # of the table are 03 and 5F of one, 23 and 9E of another
BLOCKS = st.sampled_from([0x10, 0x11])


def is_safe(creator: str, group: int, low: int, *, declared: bool) -> bool:
    if group == 0x0001:
        return False
    if (creator, group, low) in KNOWN:
        return True
    return declared and ((creator == SAFE and low != 7) or (creator == MIXED and low == 3))


@st.composite
def elements(draw: st.DrawFn, inside: st.SearchStrategy[DataSet], base: int) -> Element:
    tag = base | draw(LOWS)
    if tag & 0xFF == 0x5F or draw(st.integers(0, 5)) == 0:
        items = draw(st.lists(inside, max_size=2))
        return Element(tag, "SQ", items, undefined=draw(st.booleans()), unknown=draw(st.booleans()))
    return Element(tag, draw(st.sampled_from(["DS", "FL", "LO", "UN"])), b"1234")


@st.composite
def blocks(draw: st.DrawFn, inside: st.SearchStrategy[DataSet]) -> DataSet:
    """Return elements of a block, mostly with a creator."""
    group, block = draw(st.sampled_from(GROUPS)) << 16, draw(BLOCKS)
    found = draw(st.lists(elements(inside, group | block << 8), max_size=4))
    creator = Element(group | block, "LO", draw(CREATORS))
    return [creator, *found] if draw(st.integers(0, 5)) else found


@st.composite
def data_sets(draw: st.DrawFn, inside: st.SearchStrategy[DataSet]) -> DataSet:
    found = [element for block in draw(st.lists(blocks(inside), max_size=3)) for element in block]
    if draw(st.integers(0, 3)) == 0:
        found.append(
            Element(SEQUENCE, "SQ", draw(st.lists(inside, max_size=2)), undefined=draw(st.booleans()))
        )
    if draw(st.integers(0, 5)):  # else out of order, or twice
        found = list({element.tag: element for element in found}.values())
        found.sort(key=lambda element: element.tag)
    return found


PRIVATE = st.recursive(data_sets(st.just([])), data_sets, max_leaves=4)


def check(tree: Tree, *, declared: bool) -> None:
    """Assert that each private element has its creator before it, is safe, and that each creator owns one."""
    owners: dict[int, str] = {}
    owning = set()
    for tag, node in tree.items():
        group, element = tag >> 16, tag & 0xFFFF
        if group & 1 and element < 0x100:
            owners[tag] = node.value.decode().rstrip(" \0")
        elif group & 1:
            creator = group << 16 | element >> 8
            owning.add(creator)
            assert is_safe(owners[creator], group, element & 0xFF, declared=declared)
        for item in node.items or []:
            check(item, declared=declared)
    assert owners.keys() == owning


def left(tree: Tree, *, declared: bool) -> list[int]:
    """Return the private tags that should stay in one data set: all that are safe, with their creators."""
    owners = {
        tag: node.value.decode().rstrip(" \0")
        for tag, node in tree.items()
        if tag >> 16 & 1 and tag & 0xFFFF < 0x100
    }
    kept = set()
    for tag, node in tree.items():
        creator = tag & 0xFFFF0000 | tag >> 8 & 0xFF
        low = tag & 0xFF
        fits = (node.items is not None) == (low == 0x5F) or owners.get(creator) in (SAFE, MIXED)
        is_owned = creator in owners and tag & 0xFFFF > 0xFF
        if is_owned and fits and is_safe(owners[creator], tag >> 16, low, declared=declared):
            kept |= {tag, creator}
    return sorted(kept)


@given(PRIVATE, st.booleans(), st.sampled_from([EXPLICIT, IMPLICIT, BIG]))
def test_what_stays_is_safe_and_has_its_creator(private: DataSet, declared: bool, syntax: str) -> None:  # noqa: FBT001
    statement = [Element(0x00080300, "SQ", STATEMENTS)] if declared and syntax != BIG else []
    data = small_file(*statement, *private, syntax=syntax)
    try:
        done = retained(data)
    except BadFileFormatError:
        return
    check(tree_of(done), declared=bool(statement))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@given(st.data())
def test_all_that_is_safe_stays(syntax: str, data: st.DataObject) -> None:
    found = data.draw(data_sets(st.just([])))
    ordered = sorted({element.tag: element for element in found}.values(), key=lambda element: element.tag)
    file = small_file(Element(0x00080300, "SQ", STATEMENTS), *ordered, syntax=syntax)
    done = [tag for tag in tree_of(retained(file)) if tag >> 16 & 1]
    assert done == left(tree_of(file), declared=True)
