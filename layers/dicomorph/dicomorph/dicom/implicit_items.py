"""Rewriting of sequences in implicit VR little endian (also inside elements of VR UN).

Written like `explicit_items`, and long for the same reason.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from dicomorph.dicom.action_tables import (
    CHARACTER_SET,
    DROP_SHORT,
    EDIT_SHORT,
    REPLACE_SHORT,
    STOP,
    Below,
    Table,
    parts_size,
)
from dicomorph.dicom.edit_script import Part
from dicomorph.dicom.elements import (
    IMPLICIT_LITTLE,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    UNDEFINED_LENGTH,
    skip_undefined,
)
from dicomorph.dicom.item_edits import Rewritten, copy_run, misplaced, overrun, replace_in_item, too_deep
from dicomorph.dicom.source import Buffer

_TAG_AND_LENGTH = struct.Struct("<II").unpack_from
_PACK_LENGTH = struct.Struct("<I").pack
_ITEM, _SEQUENCE_DELIMITATION = 0xE000FFFE, 0xE0DDFFFE  # as one little-endian number
_ITEM_DELIMITATION = (ITEM_DELIMITATION & 0xFFFF) << 16 | ITEM_DELIMITATION >> 16


def item(  # noqa: C901, PLR0912 - hot loop
    buffer: Buffer, pos: int, end: int, table: Table, depth: int, *, undefined: bool
) -> Rewritten:
    """Rewrite the data set of an item; see `ExplicitItems.item`."""
    if table.replaces:
        return replace_in_item(item, buffer, pos, end, table, depth, undefined=undefined)
    base = table.rewriting.base
    out: list[Part] | None = None
    run = pos
    while pos < end:
        key, length = _TAG_AND_LENGTH(buffer, pos)
        step = table[key]
        if not step and length != UNDEFINED_LENGTH:
            pos += 8 + length
            continue
        if step == STOP:
            if undefined and key == _ITEM_DELIMITATION:
                if out is not None:
                    copy_run(out, buffer, base, run, pos)
                return pos + 8, out
            raise misplaced()
        if step == CHARACTER_SET:
            table = table.under(buffer[pos + 8 : pos + 8 + length])
            pos += 8 + length
            continue
        replacement: list[Part] | None
        if step in (DROP_SHORT, REPLACE_SHORT, EDIT_SHORT):
            if length == UNDEFINED_LENGTH:
                stop = skip_undefined(buffer, pos + 8, end, IMPLICIT_LITTLE)
            else:
                stop = pos + 8 + length
            replacement = []
            if step == EDIT_SHORT:
                whole = buffer[pos:stop]
                edited = table.edits.get(whole)
                if edited is None:
                    edited = table.edit(whole, (key & 0xFFFF) << 16 | key >> 16, b"", 8)
                replacement = [edited]
        else:
            stop, replacement = nested_sequence(
                buffer, pos, 8, end, table.below[key], depth, length, _PACK_LENGTH
            )
        if replacement is not None:
            if out is None:
                out = []
            if run < pos:
                copy_run(out, buffer, base, run, pos)
            out += replacement
            run = stop
        pos = stop
    if pos != end or undefined:
        raise overrun()
    if out is not None and run < pos:
        copy_run(out, buffer, base, run, pos)
    return pos, out


def nested_sequence(  # noqa: PLR0913 - the state of the loops that call it
    buffer: Buffer,
    pos: int,
    header_size: int,
    end: int,
    below: Below,
    depth: int,
    length: int,
    pack_length: Callable[[int], bytes],
) -> Rewritten:
    """Rewrite a sequence with its header, whose last four bytes are the length."""
    start = pos + header_size
    if length == UNDEFINED_LENGTH:
        stop, parts = sequence(buffer, start, end, below, depth, undefined=True)
        return stop, None if parts is None else [buffer[pos:start], *parts]
    stop = start + length
    if stop > end:
        raise overrun()
    parts = sequence(buffer, start, stop, below, depth, undefined=False)[1] if length else None
    if parts is None:
        return stop, None
    return stop, [buffer[pos : start - 4] + pack_length(parts_size(parts)), *parts]


def sequence(buffer: Buffer, pos: int, end: int, below: Below, depth: int, *, undefined: bool) -> Rewritten:
    """Rewrite the items of a sequence; the parts include the delimiter, not the header."""
    if depth >= MAXIMUM_DEPTH:
        raise too_deep()
    out: list[Part] | None = None
    run, index = pos, 0
    while pos < end:
        key, length = _TAG_AND_LENGTH(buffer, pos)
        if key != _ITEM:
            if key != _SEQUENCE_DELIMITATION or not undefined:
                raise misplaced()
            pos += 8
            if out is not None:
                out.append(buffer[run:pos])
            return pos, out
        table = below.at(index) if below.by_index else below.first
        index += 1
        start = pos + 8
        stop, parts = _item_at(buffer, start, end, length, table, depth)
        if parts is not None:
            out = [] if out is None else out
            if length == UNDEFINED_LENGTH:
                out.append(buffer[run:start])
                run = stop - 8  # the delimiter joins the next run
            else:
                out.append(buffer[run : pos + 4] + _PACK_LENGTH(parts_size(parts)))
                run = stop
            out += parts
        pos = stop
    if undefined or pos != end:
        raise overrun()
    if out is not None and run < pos:
        out.append(buffer[run:pos])
    return pos, out


def _item_at(buffer: Buffer, start: int, end: int, length: int, table: Table | None, depth: int) -> Rewritten:
    """Rewrite one item, or step over one in which nothing changes."""
    if length == UNDEFINED_LENGTH:
        if table is None:
            return skip_undefined(buffer, start, end, IMPLICIT_LITTLE, in_item=True), None
        return item(buffer, start, end, table, depth + 1, undefined=True)
    stop = start + length
    if stop > end:
        raise overrun()
    if table is None or (not length and not table.replaces):
        return stop, None
    return stop, item(buffer, start, stop, table, depth + 1, undefined=False)[1]
