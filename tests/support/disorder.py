"""Data sets out of order, with elements that repeat, and what the standard would have them be."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.compat.strategies import CHARSET, NUMBERS, UIDS
from tests.dicom_factory import Element

FIRST_BLOCK, LAST_BLOCK = 0x10, 0xFF


def shuffled(draw: st.DrawFn, body: list[Element], *, depth: int = 0, least: int = 0) -> list[Element]:
    """Return a data set with its elements in any order, some twice, at every level from a depth on.

    Parameters
    ----------
    least : int
        The depth from which on there is disorder: 0 for the top level too.
    """
    found = [
        replace(element, value=[shuffled(draw, item, depth=depth + 1, least=least) for item in element.value])
        if isinstance(element.value, list)
        else element
        for element in body
    ]
    if depth < least or not found:
        return found
    repeated = draw(st.lists(st.sampled_from(found), max_size=2, unique_by=lambda element: element.tag))
    return draw(st.permutations(found + [_another(element) for element in repeated]))


def _another(element: Element) -> Element:
    """Return an element with the same tag that says something else, unless that changes what others are."""
    if isinstance(element.value, list):
        return element if element.tag >> 16 & 1 else replace(element, value=element.value[1:])
    is_creator = bool(element.tag >> 16 & 1) and element.tag & 0xFFFF <= LAST_BLOCK
    if is_creator or element.tag in NUMBERS or element.tag == CHARSET or element.vr == "UN":
        return element
    return replace(element, value="1.9" if element.tag in UIDS else "other")


def in_order(body: list[Element], *, drops_displaced: bool = False) -> list[Element]:
    """Return a data set as the standard has it, at every depth: the first of each tag, ascending.

    Private elements behind a repeated creator of another value go, or move to the first block
    of their group that nothing uses.
    """
    own: dict[int, Element] = {}
    strangers: dict[tuple[int, int, object], dict[int, Element]] = {}
    reserved: dict[tuple[int, int], object] = {}
    current: dict[tuple[int, int], object] = {}
    for element in body:
        group, number = element.tag >> 16, element.tag & 0xFFFF
        if isinstance(element.value, list):
            items = [in_order(item, drops_displaced=drops_displaced) for item in element.value]
            element = replace(element, value=items)  # noqa: PLW2901 - the same in order
        if group & 1 and FIRST_BLOCK <= number <= LAST_BLOCK:
            block = group, number
            value = element.value.strip(" ") if isinstance(element.value, str) else element.value
            current[block] = value
            if reserved.setdefault(block, value) != value:
                strangers.setdefault((*block, value), {}).setdefault(element.tag, element)
        block = group, number >> 8
        if group & 1 and current.get(block) != reserved.get(block):
            strangers[(*block, current[block])].setdefault(element.tag, element)
        else:
            own.setdefault(element.tag, element)
    for (group, _, _), moved in strangers.items() if not drops_displaced else ():
        if len(moved) > 1:
            used = {_block(tag) for tag in own if tag >> 16 == group}
            free = next(number for number in range(FIRST_BLOCK, LAST_BLOCK + 1) if number not in used)
            for tag, element in moved.items():
                low = free if tag & 0xFFFF <= LAST_BLOCK else free << 8 | tag & 0xFF
                own[group << 16 | low] = replace(element, tag=group << 16 | low)
    return [own[tag] for tag in sorted(own)]


def _block(tag: int) -> int:
    number = tag & 0xFFFF
    return number if number <= LAST_BLOCK else number >> 8
