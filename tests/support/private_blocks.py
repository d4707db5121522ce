"""Private blocks at the top level and in items, and what became of them."""

from __future__ import annotations

from tests.compat.data_sets import Tree
from tests.dicom_factory import EXPLICIT, Element
from tests.support.small_files import SEQUENCE, nested, small_file, tree_of

OURS, THEIRS = "EXAMPLE TRIALS", "ACME 1.1"
# How the requests below reach the data sets of a file: at the top level, and in items.
PLACES = ["", "0008,1250[0].", "0008,1250[*].0008,1250[0]."]


def block(number: int, creator: str, *elements: tuple[int, str], group: int = 9) -> list[Element]:
    """Return a private block with its creator."""
    base = group << 16
    return [
        Element(base | number, "LO", creator),
        *(Element(base | number << 8 | low, "LO", value) for low, value in elements),
    ]


def file_with(*elements: Element, place: str = "", syntax: str = EXPLICIT) -> bytes:
    """Return a file with elements at one of `PLACES`."""
    depth = place.count("[")
    return small_file(*([nested(*elements, depth=depth)] if depth else elements), syntax=syntax)


def private_of(data: bytes, place: str = "") -> dict[str, str]:
    """Return the private elements at a place, as texts."""
    tree: Tree = tree_of(data)
    for _ in range(place.count("[")):
        tree = (tree[SEQUENCE].items or [])[0]
    return {
        f"{tag >> 16:04x},{tag & 0xFFFF:04x}": node.value.decode().strip(" \0")
        for tag, node in tree.items()
        if tag >> 16 & 1 and node.items is None
    }
