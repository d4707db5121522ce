"""Rewriting of sequences in explicit VR: the hot loop of the engine.

The functions are long because a call costs more than the work it would name: an enhanced
multi-frame has more than 100,000 nested elements. ``None`` in place of parts says that
nothing changed, so that unchanged items are copied as one run with what surrounds them.
"""

from __future__ import annotations

import struct

from dicomorph.dicom import implicit_items
from dicomorph.dicom.action_tables import (
    CHARACTER_SET,
    DROP_LONG,
    DROP_SHORT,
    EDIT_LONG,
    EDIT_SHORT,
    KEEP_LONG,
    REPLACE_LONG,
    REPLACE_SHORT,
    SEQUENCE,
    STOP,
    Below,
    Table,
    holds_sequence,
    parts_size,
)
from dicomorph.dicom.edit_script import Part
from dicomorph.dicom.elements import (
    IMPLICIT_LITTLE,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    skip_undefined,
)
from dicomorph.dicom.item_edits import LONG_RUN, Rewritten, copy_run, misplaced, overrun, replace_in_item, too_deep
from dicomorph.dicom.source import Buffer

_ITEM_GROUP, _ITEM_ELEMENT = 0xFFFE, 0xE000
_SHORT_SEQUENCE = 2048  # bytes; longer ones hardly repeat


class ExplicitItems:
    """The walker for one byte order.

    Parameters
    ----------
    order : str
        ``<`` or ``>``, as in `struct`.
    """

    def __init__(self, order: str) -> None:
        self._encoding = Encoding(explicit=True, order=order)
        self._key_and_length = struct.Struct(order + "6sH").unpack_from
        self._long_length = struct.Struct(order + "I").unpack_from
        self._tag_and_length = struct.Struct(order + "HHI").unpack_from
        self._pack_length = struct.Struct(order + "I").pack
        self._tag = struct.Struct(order + "HH").unpack

    def item(  # noqa: C901, PLR0912, PLR0915 - hot loop, see the module's docstring
        self, buffer: Buffer, pos: int, end: int, table: Table, depth: int, *, undefined: bool
    ) -> Rewritten:
        """Rewrite the data set of an item.

        Returns
        -------
        tuple[int, list[Part] | None]
            Where the item ends (behind its delimiter, which is not among the parts), and
            the parts, None if nothing changed.
        """
        if table.replaces:
            return replace_in_item(self.item, buffer, pos, end, table, depth, undefined=undefined)
        key_and_length, long_length, base = self._key_and_length, self._long_length, table.rewriting.base
        out: list[Part] | None = None
        run = pos
        while pos < end:
            key, length = key_and_length(buffer, pos)
            step = table[key]
            if not step:
                pos += 8 + length
                continue
            if step == KEEP_LONG:
                (length,) = long_length(buffer, pos + 8)
                pos += 12
                pos = skip_undefined(buffer, pos, end, self._encoding) if length == UNDEFINED_LENGTH else pos + length
                continue
            if step == STOP:
                group, element = self._tag(key[:4])
                if undefined and group << 16 | element == ITEM_DELIMITATION:
                    if out is not None:
                        copy_run(out, buffer, base, run, pos)
                    return pos + 8, out
                raise misplaced()
            if step == CHARACTER_SET:
                table = table.under(buffer[pos + 8 : pos + 8 + length])
                pos += 8 + length
                continue
            if step == SEQUENCE:
                (length,) = long_length(buffer, pos + 8)
                if 0 < length < _SHORT_SEQUENCE:
                    stop = pos + 12 + length
                    raw = buffer[pos:stop]
                    edited = table.sequences.get(raw, raw)
                    if edited is raw:
                        edited = self._short_sequence(raw, table, table.below[key], depth)
                    if edited is None:
                        pos = stop
                        continue
                    replacement = [edited]
                else:
                    stop, replacement = self._sequence_element(buffer, pos, end, length, table.below[key], depth)
            elif step == EDIT_SHORT:
                stop = pos + 8 + length
                whole = buffer[pos:stop]
                edited = table.edits.get(whole)
                if edited is None:
                    group, element = self._tag(key[:4])
                    edited = table.edit(whole, group << 16 | element, key[4:], 8)
                replacement = [edited]
            elif step in (DROP_SHORT, REPLACE_SHORT):
                stop, replacement = pos + 8 + length, []
            else:
                stop, replacement = self._long_element(buffer, pos, end, table, key, step, depth)
            if replacement is not None:
                if out is None:
                    out = []
                if 0 < pos - run < LONG_RUN:
                    out.append(buffer[run:pos])
                elif run < pos:
                    out.append((base + run, base + pos))
                out += replacement
                run = stop
            pos = stop
        if pos != end or undefined:
            raise overrun()
        if out is not None and run < pos:
            copy_run(out, buffer, base, run, pos)
        return pos, out

    def _long_element(
        self, buffer: Buffer, pos: int, end: int, table: Table, key: bytes, step: int, depth: int
    ) -> Rewritten:
        """Handle the rarer elements with a 32-bit length: removed, edited, or of unknown VR."""
        (length,) = self._long_length(buffer, pos + 8)
        group, element = self._tag(key[:4])
        tag = group << 16 | element
        if step in (DROP_LONG, REPLACE_LONG, EDIT_LONG):
            if length == UNDEFINED_LENGTH:
                inner = self._encoding if key[4:] != b"UN" else IMPLICIT_LITTLE
                stop = skip_undefined(buffer, pos + 12, end, inner)
            else:
                stop = pos + 12 + length
            if step != EDIT_LONG:
                return stop, []
            return stop, [table.edit(buffer[pos:stop], tag, key[4:], 12)]
        if length == UNDEFINED_LENGTH or (length and holds_sequence(tag)):
            return implicit_items.nested_sequence(
                buffer, pos, 12, end, table.below[key], depth, length, self._pack_length
            )
        return pos + 12 + length, None

    def _short_sequence(self, raw: bytes, table: Table, below: Below, depth: int) -> bytes | None:
        """Rewrite a short sequence with its header, and remember what became of it."""
        parts = self.sequence(raw, 12, len(raw), below, depth, undefined=False)[1]
        edited = None
        if parts is not None:
            value = b"".join(parts)  # type: ignore[arg-type] # runs this short are never ranges
            edited = raw[:8] + self._pack_length(len(value)) + value
        table.remember_sequence(raw, edited)
        return edited

    def _sequence_element(
        self, buffer: Buffer, pos: int, end: int, length: int, below: Below, depth: int
    ) -> Rewritten:
        """Rewrite a long sequence, an empty one or one of undefined length, with its header."""
        start = pos + 12
        if length == UNDEFINED_LENGTH:
            stop, parts = self.sequence(buffer, start, end, below, depth, undefined=True)
            return stop, None if parts is None else [buffer[pos:start], *parts]
        stop = start + length
        if stop > end:
            raise overrun()
        parts = self.sequence(buffer, start, stop, below, depth, undefined=False)[1]
        return stop, None if parts is None else [self._header(buffer, pos, parts_size(parts)), *parts]

    def _header(self, buffer: Buffer, pos: int, length: int) -> bytes:
        return buffer[pos : pos + 8] + self._pack_length(length)

    def sequence(  # noqa: C901 - hot loop
        self, buffer: Buffer, pos: int, end: int, below: Below, depth: int, *, undefined: bool
    ) -> Rewritten:
        """Rewrite the items of a sequence; the parts include the delimiter, not the header."""
        if depth >= MAXIMUM_DEPTH:
            raise too_deep()
        tag_and_length, by_index, table, item = self._tag_and_length, below.by_index, below.first, self.item
        out: list[Part] | None = None
        run, index = pos, 0
        while pos < end:
            group, element, length = tag_and_length(buffer, pos)
            if element != _ITEM_ELEMENT or group != _ITEM_GROUP:
                if group << 16 | element != SEQUENCE_DELIMITATION or not undefined:
                    raise misplaced()
                pos += 8
                if out is not None:
                    out.append(buffer[run:pos])
                return pos, out
            if by_index:
                table = below.at(index)
                index += 1
            start = pos + 8
            parts = None
            if length == UNDEFINED_LENGTH:
                if table is None:
                    stop = skip_undefined(buffer, start, end, self._encoding, in_item=True)
                else:
                    stop, parts = item(buffer, start, end, table, depth + 1, undefined=True)
                if parts is not None:
                    out = [] if out is None else out
                    out.append(buffer[run:start])
                    out += parts
                    run = stop - 8  # the delimiter joins the next run
            else:
                stop = start + length
                if stop > end:
                    raise overrun()
                if table is not None and (length or table.replaces):
                    parts = item(buffer, start, stop, table, depth + 1, undefined=False)[1]
                if parts is not None:
                    out = [] if out is None else out
                    out.append(buffer[run : pos + 4] + self._pack_length(parts_size(parts)))
                    out += parts
                    run = stop
            pos = stop
        if undefined or pos != end:
            raise overrun()
        if out is not None and run < pos:
            out.append(buffer[run:pos])
        return pos, out


LITTLE = ExplicitItems("<")
BIG = ExplicitItems(">")
