"""Files with private elements, and what is left of them where safe ones are retained."""

from __future__ import annotations

import json
import struct
from importlib import resources

from dicomorph.deid.editions.profiles import profile
from dicomorph.deid.private_judge import SafePrivateJudge
from dicomorph.deid.scopes import Rules
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.values.encoder import ValueEncoder
from tests.compat.data_sets import Tree
from tests.dicom_factory import Element
from tests.support.edits import KEY, SETTINGS, edited

Row = tuple[str, int, str]  # creator, group and low byte as a tag in block 10, VR
SAFE_CREATOR, SAFE, SAFE_SEQUENCE = "Philips Imaging DD 001", 0x20011003, 0x2001105F


def rows() -> list[Row]:
    """Return the rows of the table of safe private elements."""
    file = resources.files("dicomorph.deid") / "tables" / "safe_private_2026d.json"
    creators = json.loads(file.read_text())["creators"]
    return [
        (creator, int(key[:4], 16) << 16 | 0x1000 | int(key[4:], 16), vr.split("/")[0] or "UN")
        for creator, elements in creators.items()
        for key, vr in elements.items()
    ]


def retaining(edition: str = "2023b") -> Rewriter:
    """Return the engine for an anonymization that retains safe private elements, with a cold memory."""
    rules = Rules(
        edition=profile(edition),
        sop_class="",
        removes_private=True,
        mapped=frozenset(),
        kept=frozenset(),
        removed=frozenset(),
        replaced=frozenset(),
        judge=SafePrivateJudge(),
    )
    plan = EditPlan(
        root=rules.root(()),
        replace={},
        default={},
        required=frozenset(),
        encoder=ValueEncoder(SETTINGS.dictionary, private_creator="", unencodable=SETTINGS.unencodable_text),
        references={},
        is_anonymization=True,
        looks_ahead=True,
    )
    return Rewriter(plan, IdentityMapper(KEY), default_encoding="Latin1")


def retained(data: bytes) -> bytes:
    """Return a file anonymized while safe private elements are retained."""
    return edited(data, retaining())


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
