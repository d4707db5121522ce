"""Where the oracle writes private elements: in the block of their creator, as `pydicom` finds it."""

from __future__ import annotations

from typing import Any

from tests.compat.data_sets import Tree


def placed(tree: Tree, replace: dict[int, Any], creator: str) -> dict[int, Any]:
    """Return what is replaced in a data set that keeps its private elements, by the tags there."""
    found: dict[int, Any] = {}
    for tag, value in sorted(replace.items()):
        group, block = tag >> 16, tag >> 8 & 0xFF or tag & 0xFF
        if not group & 1 or not creator:
            found[tag] = value
            continue
        written = {**{one: node.value for one, node in tree.items()}, **found}
        place = _place(written, group, block, creator)
        found.setdefault(group << 16 | place, creator)
        if tag & 0xFFFF > 0xFF:
            found[group << 16 | place << 8 | tag & 0xFF] = value
    return found


def _place(written: dict[int, Any], group: int, block: int, creator: str) -> int:
    """Return the creator's own block, else the one asked for, else the first that is free."""
    blocks: set[int] = {tag & 0xFF for tag in written if tag >> 16 == group and tag & 0xFFFF <= 0xFF}
    own: list[int] = [one for one in sorted(blocks) if _text(written[group << 16 | one]) == creator]
    if own:
        return block if block in own else own[0]
    taken = blocks | {tag >> 8 & 0xFF for tag in written if tag >> 16 == group}
    free: list[int] = [one for one in (block, *range(0x10, 0x100)) if one not in taken]
    return free[0]


def _text(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip(" \0")
