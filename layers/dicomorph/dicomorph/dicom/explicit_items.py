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
    ITEM,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    skip_undefined,
)
from dicomorph.dicom.item_edits import Rewritten, copy_run, misplaced, overrun, replace_in_item, too_deep
from dicomorph.dicom.source import Buffer

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
                stop, replacement = self._sequence_element(buffer, pos, end, table, table.below[key], depth)
            elif step == EDIT_SHORT:
                stop = pos + 8 + length
                group, element = self._tag(key[:4])
                replacement = [
                    table.edited(buffer[pos:stop], group << 16 | element, key[4:], buffer[pos + 8 : stop])
                ]
            elif step == DROP_SHORT:
                stop, replacement = pos + 8 + length, []
            else:
                stop, replacement = self._long_element(buffer, pos, end, table, key, step, depth)
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

    def _long_element(
        self, buffer: Buffer, pos: int, end: int, table: Table, key: bytes, step: int, depth: int
    ) -> Rewritten:
        """Handle the rarer elements with a 32-bit length: removed, edited, or of unknown VR."""
        (length,) = self._long_length(buffer, pos + 8)
        group, element = self._tag(key[:4])
        tag = group << 16 | element
        if step in (DROP_LONG, EDIT_LONG):
            if length == UNDEFINED_LENGTH:
                inner = self._encoding if key[4:] != b"UN" else IMPLICIT_LITTLE
                stop = skip_undefined(buffer, pos + 12, end, inner)
            else:
                stop = pos + 12 + length
            if step == DROP_LONG:
                return stop, []
            return stop, [table.edited(buffer[pos:stop], tag, key[4:], buffer[pos + 12 : stop])]
        if length == UNDEFINED_LENGTH or (length and holds_sequence(tag)):
            return implicit_items.nested_sequence(
                buffer, pos, 12, end, table.below[key], depth, length, self._pack_length
            )
        return pos + 12 + length, None

    def _sequence_element(
        self, buffer: Buffer, pos: int, end: int, table: Table, below: Below, depth: int
    ) -> Rewritten:
        """Rewrite a sequence with its header."""
        (length,) = self._long_length(buffer, pos + 8)
        start = pos + 12
        if length == UNDEFINED_LENGTH:
            stop, parts = self.sequence(buffer, start, end, below, depth, undefined=True)
            return stop, None if parts is None else [buffer[pos:start], *parts]
        stop = start + length
        if stop > end:
            raise overrun()
        if length >= _SHORT_SEQUENCE:
            parts = self.sequence(buffer, start, stop, below, depth, undefined=False)[1]
            return stop, None if parts is None else [self._header(buffer, pos, parts_size(parts)), *parts]
        if not length:
            return stop, None
        raw = buffer[pos:stop]
        edited = table.sequences.get(raw, b"")
        if edited == b"":
            parts = self.sequence(buffer, start, stop, below, depth, undefined=False)[1]
            edited = None
            if parts is not None:
                value = b"".join(parts)  # type: ignore[arg-type] - runs this short are bytes
                edited = self._header(buffer, pos, len(value)) + value
            table.remember_sequence(raw, edited)
        return stop, None if edited is None else [edited]

    def _header(self, buffer: Buffer, pos: int, length: int) -> bytes:
        return buffer[pos : pos + 8] + self._pack_length(length)

    def sequence(
        self, buffer: Buffer, pos: int, end: int, below: Below, depth: int, *, undefined: bool
    ) -> Rewritten:
        """Rewrite the items of a sequence; the parts include the delimiter, not the header."""
        if depth >= MAXIMUM_DEPTH:
            raise too_deep()
        tag_and_length, by_index, table = self._tag_and_length, below.by_index, below.first
        out: list[Part] | None = None
        run, index = pos, 0
        while pos < end:
            group, element, length = tag_and_length(buffer, pos)
            tag = group << 16 | element
            if tag != ITEM:
                if tag != SEQUENCE_DELIMITATION or not undefined:
                    raise misplaced()
                pos += 8
                if out is not None:
                    copy_run(out, buffer, 0, run, pos, always=True)
                return pos, out
            if by_index:
                table = below.at(index)
            index += 1
            pos, run, out = self._one_item(buffer, pos, end, length, table, depth, run, out)
        if undefined or pos != end:
            raise overrun()
        if out is not None and run < pos:
            copy_run(out, buffer, 0, run, pos, always=True)
        return pos, out

    def _one_item(  # noqa: PLR0913 - the state of the loop above
        self,
        buffer: Buffer,
        pos: int,
        end: int,
        length: int,
        table: Table | None,
        depth: int,
        run: int,
        out: list[Part] | None,
    ) -> tuple[int, int, list[Part] | None]:
        start = pos + 8
        if length == UNDEFINED_LENGTH:
            if table is None:
                return skip_undefined(buffer, start, end, self._encoding, in_item=True), run, out
            stop, parts = self.item(buffer, start, end, table, depth + 1, undefined=True)
            if parts is None:
                return stop, run, out
            out = [] if out is None else out
            copy_run(out, buffer, 0, run, start, always=True)
            out += parts
            return stop, stop - 8, out  # the delimiter joins the next run
        stop = start + length
        if stop > end:
            raise overrun()
        if table is None or (not length and not table.replaces):
            return stop, run, out
        parts = self.item(buffer, start, stop, table, depth + 1, undefined=False)[1]
        if parts is None:
            return stop, run, out
        out = [] if out is None else out
        copy_run(out, buffer, 0, run, pos + 4, always=True)
        out.append(self._pack_length(parts_size(parts)))
        out += parts
        return stop, stop, out


LITTLE = ExplicitItems("<")
BIG = ExplicitItems(">")
