"""What the walkers of both encodings share: runs, insertions into items, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from dicomorph.dicom.action_tables import SPECIFIC_CHARACTER_SET, Table, parts_size
from dicomorph.dicom.edit_script import Part
from dicomorph.dicom.elements import (
    ITEM_DELIMITATION,
    read_element,
    read_header,
)
from dicomorph.dicom.source import Buffer
from dicomorph.model.errors import BadFileFormatError

# Where the structure ends, its parts (None: unchanged), and by how many bytes its content grows.
Rewritten: TypeAlias = tuple[int, list[Part] | None, int]

LONG_RUN = 1 << 16  # from here on a run is a range of the original, not a copy


def overrun() -> BadFileFormatError:
    """Return the error for lengths that do not add up."""
    return BadFileFormatError("A sequence or item does not end where its length says")


def misplaced() -> BadFileFormatError:
    """Return the error for a delimiter or item where none can be."""
    return BadFileFormatError("A delimiter or item stands where none can be")


def too_deep() -> BadFileFormatError:
    """Return the error for nesting beyond `MAXIMUM_DEPTH`."""
    return BadFileFormatError("Sequences are nested too deeply")


def replace_in_item(  # noqa: PLR0913 - the arguments of the walkers
    walk: Callable[..., Rewritten],
    buffer: Buffer,
    pos: int,
    end: int,
    table: Table,
    depth: int,
    undefined: bool,  # noqa: FBT001 - as the walkers
) -> Rewritten:
    """Rewrite an item that gets replacement values: element by element, insertions in order.

    Parameters
    ----------
    walk : Callable[..., Rewritten]
        The walker of the item's encoding, used for everything that is not replaced.
    """
    pending = sorted(table.scope.replacements)
    start, out = pos, list[Part]()
    while pos < end:
        tag = read_header(buffer, pos, end, table.encoding)[0]
        if undefined and tag == ITEM_DELIMITATION:
            break
        while pending and pending[0] < tag:
            out.append(table.rewriting.replacement(table, pending.pop(0)))
        element = read_element(buffer, pos, end, table.encoding)
        if tag == SPECIFIC_CHARACTER_SET:
            table = table.under(buffer[element.value : element.stop])
        if pending and pending[0] == tag:
            out.append(table.rewriting.replacement(table, pending.pop(0)))
        else:
            out += _edited_element(walk, buffer, pos, element.stop, table, depth)
        pos = element.stop
    if (pos < end) is not undefined:
        raise overrun()
    out += [table.rewriting.replacement(table, missing) for missing in pending]
    growth = parts_size(out) - (pos - start)
    return (pos + 8 if undefined else pos), out, growth


def _edited_element(
    walk: Callable[..., Rewritten], buffer: Buffer, pos: int, stop: int, table: Table, depth: int
) -> list[Part]:
    table.replaces = False  # for this one element the ordinary walker is right
    try:
        parts = walk(buffer, pos, stop, table, depth, False)[1]  # noqa: FBT003
    finally:
        table.replaces = True
    return [buffer[pos:stop]] if parts is None else parts
