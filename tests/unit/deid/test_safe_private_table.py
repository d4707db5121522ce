"""Every row of PS3.15 Table E.3.10-1, under its creator and under others, in every encoding."""

from __future__ import annotations

import hashlib

import pytest

from dicomorph.deid.safe_private import safe_elements
from tests.compat.data_sets import Tree
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, Items
from tests.support.judged_private import Row, moved, owned, private_tags, retained, rows
from tests.support.small_files import SEQUENCE, nested, small_file, tree_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
VALUES: dict[str, str | bytes | Items] = {
    **dict.fromkeys(("DS", "IS"), "12"),
    **dict.fromkeys(("CS", "LO", "SH", "ST", "LT"), "SAFE"),
    **dict.fromkeys(("US", "SS"), b"\1\0"),
    **dict.fromkeys(("UL", "SL", "FL", "AT", "OB", "OW", "UN"), b"\1\0\2\0"),
    "FD": b"\1\0\2\0\3\0\4\0",
    "UI": "1.2.826.0.1.3680043.8.498.77",
    "SQ": [[Element(0x00080100, "SH", "CODE")]],
}


def element(row: Row) -> Element:
    _, tag, vr = row
    return Element(tag, vr, VALUES[vr])


def groups() -> list[tuple[str, int, list[Row]]]:
    """Return the rows by creator and group, with a block for each that no other has in the group."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows():
        found.setdefault((row[0], row[1] >> 16), []).append(row)
    return [(creator, 0x42 + number, members) for number, ((creator, _), members) in enumerate(found.items())]


def file_of(*blocks: list[Element], depth: int, syntax: str) -> bytes:
    whole = sorted((one for block in blocks for one in block), key=lambda one: one.tag)
    return small_file(*([nested(*whole, depth=depth)] if depth else whole), syntax=syntax)


def inner(data: bytes, depth: int) -> Tree:
    tree: Tree = tree_of(data)
    for _ in range(depth):
        tree = (tree[SEQUENCE].items or [])[0]
    return tree


def test_the_table_has_the_rows_of_the_standard() -> None:
    lines = sorted(f"{key}|{vr}" for key, vr in safe_elements().items())
    assert len(lines) == 479
    assert len({key[7:] for key in safe_elements()}) == 20
    # Of what was parsed out of the standard's own text.
    digest = "2d9268e0de458a7f4cdeb8eb7536de76836bcb69766022c181a65e7713673c51"
    assert hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest() == digest


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_row_is_kept_under_its_creator_in_whatever_block(syntax: str, depth: int) -> None:
    blocks = [owned(creator, *map(element, rows), block=block) for creator, block, rows in groups()]
    data = file_of(*blocks, depth=depth, syntax=syntax)
    before, after = inner(data, depth), inner(retained(data), depth)
    assert private_tags(after) == private_tags(before)
    assert len(private_tags(after)) == 479 + len(blocks)
    for tag in private_tags(before):
        old, new = before[tag], after[tag]
        if old.vr == "UI" or (syntax == IMPLICIT and old.value.startswith(b"1.2.826")):
            assert new.value.startswith(b"2.25.")
        else:
            assert (new.vr, new.value, new.items) == (old.vr, old.value, old.items)


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("other", ["{} 2", "X{}", "ACME"])
def test_every_row_goes_under_another_creator(other: str, depth: int) -> None:
    for syntax in SYNTAXES:
        blocks = [
            owned(other.format(creator), *map(element, rows), block=block)
            for creator, block, rows in groups()
        ]
        data = file_of(*blocks, depth=depth, syntax=syntax)
        assert private_tags(inner(retained(data), depth)) == []


def test_every_row_goes_under_its_creator_in_other_case() -> None:
    blocks = [
        owned(creator.swapcase(), *map(element, rows), block=block) for creator, block, rows in groups()
    ]
    assert private_tags(tree_of(retained(file_of(*blocks, depth=0, syntax=EXPLICIT)))) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_no_row_goes_beside_what_is_one(syntax: str) -> None:
    blocks, wanted = [], []
    for creator, block, members in groups():
        group, known = members[0][1] & 0xFFFF0000, {tag & 0xFF for _, tag, _ in members}
        others = [Element(group | 0x1000 | low, "LO", "DOE") for low in range(0, 256, 3) if low not in known]
        blocks.append(owned(creator, element(members[0]), *others, block=block))
        wanted += [group | block, moved(members[0][1], block)]
    data = file_of(*blocks, depth=1, syntax=syntax)
    assert private_tags(inner(retained(data), 1)) == sorted(wanted)
