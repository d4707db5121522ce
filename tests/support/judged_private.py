"""Files with private elements, and what is left of them where safe ones are retained."""

from __future__ import annotations

import struct
from typing import Any

from dicomorph.deid.safe_private import safe_elements
from dicomorph.dicom.engine.rewriter import Rewriter
from tests.compat.data_sets import Tree
from tests.dicom_factory import Element
from tests.support.edits import anonymized, rewriter
from tests.support.small_files import SEQUENCE, tree_of

RETAIN = {"Profile": {"Options": ["RetainSafePrivate"]}}
Row = tuple[str, int, str]  # creator, group and low byte as a tag in block 10, VR
SAFE_CREATOR, SAFE, SAFE_SEQUENCE = "Philips Imaging DD 001", 0x20011003, 0x2001105F
CREATOR = 0x20010010
NUMBER = Element(SAFE, "FL", b"\0\0\x80?")
UNSAFE = Element(0x20011070, "LO", "DOE^JOHN")  # of the same creator
FACT = Element(0x00091001, "LO", "FACT")
DESCRIPTION = 0x00080300


def rows() -> list[Row]:
    """Return the rows of the table of safe private elements."""
    return [
        (key[7:], int(key[:4], 16) << 16 | 0x1000 | int(key[4:6], 16), vr.split("/")[0] or "UN")
        for key, vr in safe_elements().items()
    ]


def retaining() -> Rewriter:
    """Return the engine for an anonymization that retains safe private elements, with a cold memory."""
    return rewriter({"DicomVersion": "2026d", **RETAIN})


def retained(data: bytes, **body: Any) -> bytes:
    """Return a file anonymized while safe private elements are retained."""
    return anonymized(data, **{"DicomVersion": "2026d", **RETAIN, **body})


def moved(tag: int, block: int) -> int:
    """Return a private tag of block 10 as it is in another."""
    return tag & 0xFFFF00FF | block << 8


def owned(creator: str, *elements: Element, block: int = 0x10) -> list[Element]:
    """Return private elements of block 10 of one group, in another block, with their creator."""
    group = elements[0].tag & 0xFFFF0000
    return [
        Element(group | block, "LO", creator),
        *(Element(moved(e.tag, block), e.vr, e.value, e.undefined, e.unknown) for e in elements),
    ]


def declaration(
    group: int,
    creator: str,
    status: str,
    *,
    nonidentifying: bytes = b"",
    actions: tuple[tuple[str, bytes], ...] = (),
    undefined: bool = False,
) -> Element:
    """Return a sequence that describes one private block."""
    item = [
        Element(0x00080301, "US", group),
        Element(0x00080302, "LO", creator),
        Element(0x00080303, "CS", status),
    ]
    if nonidentifying:
        item.append(Element(0x00080304, "US", nonidentifying))
    if actions:
        items = [[Element(0x00080306, "US", lows), Element(0x00080307, "CS", code)] for code, lows in actions]
        item.append(Element(0x00080305, "SQ", items))
    return Element(0x00080300, "SQ", [item], undefined=undefined)


def lows(*numbers: int) -> bytes:
    """Return low bytes of tags as values of US in little endian."""
    return struct.pack(f"<{len(numbers)}H", *numbers)


def private_tags(tree: Tree) -> list[int]:
    """Return the private tags of one data set."""
    return [tag for tag in tree if tag >> 16 & 1]


def top(data: bytes) -> list[int]:
    """Return the private tags at the top level of a file."""
    return private_tags(tree_of(data))


def item_of(data: bytes, tag: int = SEQUENCE, index: int = 0) -> Tree:
    """Return an item of a sequence at the top level of a file."""
    return (tree_of(data)[tag].items or [])[index]
