"""Rewriting of sequences in explicit VR: the hot loop of the engine.

The functions are long, and closures over what they use, because a call or an attribute costs
as much as the work it would name: an enhanced multi-frame has more than 100,000 nested
elements. ``None`` in place of parts says that nothing changed, so that unchanged items are
copied as one run with what surrounds them.
"""

from __future__ import annotations

import struct

from dicomorph.dicom.engine import implicit_items
from dicomorph.dicom.engine.encoded_scope import REMEMBERED, SHORT_ELEMENT, EncodedScope, ItemScopes
from dicomorph.dicom.engine.fitting_values import LONG_VALUE, NUMERIC
from dicomorph.dicom.engine.holding_items import holds_items, is_no_sequence
from dicomorph.dicom.engine.item_edits import (
    LONG_RUN,
    Rewritten,
    SequenceWalker,
    pixels_in_item,
    replace_in_item,
    sequence_walker,
    unknown_sequence,
    walker_of_unknown,
)
from dicomorph.dicom.engine.step_kinds import (
    CHARACTER_SET,
    CHECK_SHORT,
    DROP_SHORT,
    EDIT_LONG,
    EDIT_SHORT,
    EMPTY_LONG,
    EMPTY_SHORT,
    FOLLOW_SHORT,
    JUDGED,
    KEEP_LONG,
    PIXELS,
    SEQUENCE,
    STOP,
    UNKNOWN,
)
from dicomorph.dicom.standard.vrs import LONG_VRS
from dicomorph.dicom.stream.edit_script import Part
from dicomorph.dicom.stream.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    UNDEFINED_LENGTH,
    Encoding,
    encoding_inside,
    end_of_undefined,
    holds_fragments,
    misplaced,
    overrun,
)
from dicomorph.dicom.stream.source import Buffer

_SHORT_SEQUENCE = 2048  # bytes; longer ones hardly repeat


def _walker(order: str) -> SequenceWalker:  # noqa: C901, PLR0915 - see the module's docstring
    encoding = Encoding(explicit=True, order=order)
    key_and_length = struct.Struct(order + "6sH").unpack_from
    long_length = struct.Struct(order + "I").unpack_from
    tag_and_length = struct.Struct(order + "II").unpack_from
    (item_tag,) = struct.unpack(order + "I", encoding.tag(ITEM))
    pack_length = struct.Struct(order + "I").pack
    item_delimitation = encoding.tag(ITEM_DELIMITATION)
    last_delimiter = item_delimitation + bytes(4)  # harmless where the item ends anyway

    def item(  # noqa: C901, PLR0912, PLR0915 - hot loop
        buffer: Buffer,
        pos: int,
        end: int,
        encoded: EncodedScope,
        depth: int,
        undefined: bool,  # noqa: FBT001 - positional calls are faster
    ) -> Rewritten:
        """Rewrite the data set of an item; its delimiter is stepped over, not among the parts."""
        if encoded.replaces:
            return replace_in_item(item, buffer, pos, end, encoded, depth, undefined)
        out: list[Part] | None = None
        first = run = pos
        growth = 0
        known, fitting = encoded.first, encoded.fitting
        replacement: list[Part]
        while pos < end:
            key, length = key_and_length(buffer, pos)
            step, known = known[key]
            if not step:
                pos += 8 + length
                continue
            if step == CHECK_SHORT:
                stop = pos + 8 + length
                if length < SHORT_ELEMENT:
                    if buffer[pos:stop] in fitting:
                        pos = stop
                        continue
                elif length > LONG_VALUE:
                    raw = buffer[pos + 8 : stop]
                    if raw.translate(NUMERIC) == raw:
                        pos = stop
                        continue
                edited = encoded.checked(buffer, pos, stop, key)
                if edited is None:
                    pos = stop
                    continue
                replacement = [edited]
                growth += len(edited) - (stop - pos)
            elif step == SEQUENCE:
                (length,) = long_length(buffer, pos + 8)
                if 0 < length < _SHORT_SEQUENCE:
                    stop = pos + 12 + length
                    raw = buffer[pos:stop]
                    edited = encoded.sequences.get(raw, raw)
                    if edited is raw:
                        counted = encoded.rewriting.counted
                        edited = short_sequence(raw, length, encoded.items[key], depth)
                        if counted == encoded.rewriting.counted and len(encoded.sequences) < REMEMBERED:
                            encoded.sequences[raw] = edited
                    if edited is None:
                        pos = stop
                        continue
                    replacement = [edited]
                    growth += len(edited) - (stop - pos)
                elif length == UNDEFINED_LENGTH:
                    stop, found, more = sequence(buffer, pos + 12, end, encoded.items[key], depth, True)  # noqa: FBT003
                    if found is None:
                        pos = stop
                        continue
                    replacement = [buffer[pos : pos + 12], *found]
                    growth += more
                else:
                    stop, found, more = long_sequence(buffer, pos, end, length, encoded.items[key], depth)
                    if found is None:
                        pos = stop
                        continue
                    replacement = found
                    growth += more
            elif step == KEEP_LONG:
                (length,) = long_length(buffer, pos + 8)
                pos += 12
                if length == UNDEFINED_LENGTH:
                    pos = end_of_undefined(buffer, pos, end, encoded.steps.tag_and_vr(key), encoding)
                else:
                    pos += length
                continue
            elif step == EDIT_SHORT:
                stop = pos + 8 + length
                raw = buffer[pos:stop]
                edited = encoded.edits.get(raw)
                if edited is None:
                    edited = encoded.edit(raw, key)
                replacement = [edited]
                growth += len(edited) - (stop - pos)
            elif step == DROP_SHORT:
                stop = pos + 8 + length
                replacement = []
                growth -= stop - pos
            elif step == EMPTY_SHORT:
                stop = pos + 8 + length
                edited = encoded.substitutes[key]
                replacement = [edited]
                growth += len(edited) - (stop - pos)
            elif step == STOP:
                if undefined and key[:4] == item_delimitation:
                    break
                if undefined or pos + 8 != end or buffer[pos:end] != last_delimiter:
                    raise misplaced()
                pos = end
                continue
            elif step == FOLLOW_SHORT:
                stop = pos + 8 + length
                raw = buffer[pos:stop]
                edited = encoded.edits.get(raw) or encoded.edit(raw, key)
                if edited == raw:
                    pos = stop
                    continue
                replacement = [edited]
                growth += len(edited) - (stop - pos)
            elif step == CHARACTER_SET:
                start = pos + 8
                if key[4:] in LONG_VRS:  # as UN
                    (length,) = long_length(buffer, start)
                    start += 4
                stop = start + length
                encoded = encoded.under(buffer[start:stop])
                fitting = encoded.fitting
                declared = encoded.redeclared(buffer[start:stop])
                if declared is None:
                    pos = stop
                    continue
                replacement = [declared]
                growth += len(declared) - (stop - pos)
            elif step == JUDGED:
                encoded = encoded.judged(buffer, pos, end)
                known, fitting = encoded.first, encoded.fitting
                continue
            else:
                if step == PIXELS:
                    stop, found, more = pixels_in_item(buffer, first, pos, end, encoding)
                else:
                    stop, found, more = long_element(buffer, pos, end, encoded, key, step, depth)
                if found is None:
                    pos = stop
                    continue
                replacement = found
                growth += more
            if out is None:
                out = []
            if 0 < pos - run < LONG_RUN:
                out.append(buffer[run:pos])
            elif run < pos:
                out.append((encoded.rewriting.base + run, encoded.rewriting.base + pos))
            out += replacement
            pos = run = stop
        if (pos < end) is not undefined or pos > end:
            raise overrun()
        if out is not None and run < pos:
            base = encoded.rewriting.base
            out.append(buffer[run:pos] if pos - run < LONG_RUN else (base + run, base + pos))
        return (pos + 8 if undefined else pos), out, growth

    def short_sequence(raw: bytes, length: int, items: ItemScopes, depth: int) -> bytes | None:
        """Rewrite a sequence that is remembered as a whole; runs this short are never ranges."""
        encoded = items.first
        tag, item_length = tag_and_length(raw, 12)
        # Functional groups have one item each (PS3.3 C.7.6.16): spare them the walk over items.
        if encoded is not None and tag == item_tag and item_length == length - 8 and depth < MAXIMUM_DEPTH:
            _, parts, more = item(raw, 20, len(raw), encoded, depth + 1, False)  # noqa: FBT003
            if parts is None:
                return None
            headers = raw[:8] + pack_length(length + more) + raw[12:16] + pack_length(item_length + more)
            return headers + b"".join(parts)  # type: ignore[arg-type] # no part is a range
        _, parts, more = sequence(raw, 12, len(raw), items, depth, False)  # noqa: FBT003
        if parts is None:
            return None
        return raw[:8] + pack_length(length + more) + b"".join(parts)  # type: ignore[arg-type] # as above

    def long_element(  # noqa: PLR0913, PLR0917 - the state of the loop that calls it
        buffer: Buffer, pos: int, end: int, encoded: EncodedScope, key: bytes, step: int, depth: int
    ) -> Rewritten:
        """Handle the rarer elements: of unknown VR, or removed or edited with a 32-bit length."""
        if step == UNKNOWN:
            return unknown_element(buffer, pos, end, encoded, key, depth)
        (length,) = long_length(buffer, pos + 8)
        if length == UNDEFINED_LENGTH:
            stop = end_of_undefined(buffer, pos + 12, end, encoded.steps.tag_and_vr(key), encoding)
        else:
            stop = pos + 12 + length
        if step == EMPTY_LONG:
            instead = encoded.substitutes[key]  # for one that came as UN, its header is shorter now
            return stop, [instead], len(instead) - (stop - pos)
        if step != EDIT_LONG:
            return stop, [], pos - stop
        edited = encoded.edit(buffer[pos:stop], key)
        return stop, [edited], len(edited) - (stop - pos)

    def unknown_element(
        buffer: Buffer, pos: int, end: int, encoded: EncodedScope, key: bytes, depth: int
    ) -> Rewritten:
        """Rewrite what the VR does not call a sequence, if it is one."""
        tag, vr = encoded.steps.tag_and_vr(key)
        size, field = encoding.length_field(vr)
        (length,) = field.unpack_from(buffer, pos + size - field.size)
        start = pos + size
        if length == UNDEFINED_LENGTH:
            holds_fragments(tag, vr, encoding)  # only what is none gets here
        else:
            end = min(end, start + length)
            beginning = buffer[start : min(start + 4, end)]
            if not holds_items(tag, vr, beginning, order):
                is_dropped = is_no_sequence(tag, vr, length) and encoded.items[key].drops_unreadable()
                return (start + length, [], -size - length) if is_dropped else (start + length, None, 0)
        inner = encoding_inside(b"UN", encoding, buffer, start, end)
        walk, items = WALKERS_OF_UNKNOWN[inner], encoded.items[key].written_in(inner)
        stop, parts, growth = unknown_sequence(
            walk, buffer, pos, size, end, items, depth, length, pack_length
        )
        if parts and length != UNDEFINED_LENGTH:
            parts[0] = encoding.header(tag, vr, length + growth)
        return stop, parts, growth

    def long_sequence(
        buffer: Buffer, pos: int, end: int, length: int, items: ItemScopes, depth: int
    ) -> Rewritten:
        """Rewrite a long sequence, or an empty one, with its header."""
        start = pos + 12
        stop = start + length
        if stop > end:
            raise overrun()
        _, parts, growth = sequence(buffer, start, stop, items, depth, False)  # noqa: FBT003
        if parts is None:
            return stop, None, 0
        return stop, [buffer[pos : pos + 8] + pack_length(length + growth), *parts], growth

    sequence = sequence_walker(item, encoding)
    return sequence


WALKERS: dict[Encoding, SequenceWalker] = {
    IMPLICIT_LITTLE: implicit_items.sequence,
    EXPLICIT_LITTLE: _walker("<"),
    EXPLICIT_BIG: _walker(">"),
}
WALKERS_OF_UNKNOWN: dict[Encoding, SequenceWalker] = {
    encoding: walker_of_unknown(walk, encoding) if encoding.order == "<" else walk
    for encoding, walk in WALKERS.items()
}
