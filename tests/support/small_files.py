"""Small files around a few elements, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.compat.data_sets import Node, Tree, read_file
from tests.dicom_factory import CT_IMAGE_STORAGE, EXPLICIT, Element, encode, part10

CLASS, INSTANCE, NAME, PATIENT_ID = 0x00080016, 0x00080018, 0x00100010, 0x00100020
STUDY, SERIES = 0x0020000D, 0x0020000E
BIRTH_DATE, FRAME_OF_REFERENCE = 0x00100030, 0x00200052
STUDY_DATE, STUDY_DESCRIPTION = 0x00080020, 0x00081030
IMAGES, REFERENCED_INSTANCE = 0x00081140, 0x00081155
CREATOR, PRIVATE, PRIVATE_SEQUENCE = 0x00090010, 0x00091001, 0x00091002
# A sequence that no edition touches.
SEQUENCE = 0x00081250
NAMED = Element(NAME, "PN", "Nested^Name")


def small_file(*elements: Element, syntax: str = EXPLICIT, preamble: bytes = bytes(128)) -> bytes:
    """Return a file with these elements and those that every instance has, unless they are given."""
    common = [
        Element(CLASS, "UI", CT_IMAGE_STORAGE),
        Element(INSTANCE, "UI", "1.2.3"),
        Element(NAME, "PN", "Original^Name"),
        Element(PATIENT_ID, "LO", "PID"),
        Element(STUDY, "UI", "1.2"),
        Element(SERIES, "UI", "1.2.1"),
    ]
    given = {element.tag for element in elements}
    whole = [*(element for element in common if element.tag not in given), *elements]
    return part10(encode(sorted(whole, key=lambda element: element.tag), syntax), syntax, preamble=preamble)


def nested(*elements: Element, depth: int = 1, tag: int = SEQUENCE, undefined: bool = False) -> Element:
    """Return a sequence with these elements so many sequences down."""
    inside = list(elements)
    for _ in range(depth - 1):
        inside = [Element(tag, "SQ", [inside], undefined=undefined)]
    return Element(tag, "SQ", [inside], undefined=undefined)


def tree_of(data: bytes) -> Tree:
    """Return the elements of a file."""
    return read_file(data).tree


def value_of(data: bytes, tag: int) -> bytes:
    """Return a value at the top level, without padding."""
    return tree_of(data)[tag].value.rstrip(b" \0")


def every(data: bytes, tag: int) -> list[Node]:
    """Return an attribute at every depth, the outer before the inner."""
    return list(_every(tree_of(data), tag))


def _every(tree: Tree, tag: int) -> Iterator[Node]:
    if tag in tree:
        yield tree[tag]
    for node in tree.values():
        for item in node.items or []:
            yield from _every(item, tag)


def values_of(data: bytes, tag: int) -> list[bytes]:
    """Return the values of an attribute at every depth, without padding."""
    return [node.value.rstrip(b" \0") for node in every(data, tag)]


def trees(tree: Tree) -> list[Tree]:
    """Return a data set, and those in its items."""
    inside = [item for node in tree.values() for item in node.items or []]
    return [tree, *(each for item in inside for each in trees(item))]
