"""Rewriting of sequences in implicit VR little endian (also inside elements of VR UN).

Written like `explicit_items`, and long for the same reason.
"""

from __future__ import annotations

import struct

from dicomorph.dicom.engine.encoded_scope import SHORT_ELEMENT, EncodedScope
from dicomorph.dicom.engine.holding_items import holds_items
from dicomorph.dicom.engine.item_edits import (
    LONG_RUN,
    Rewritten,
    nested_sequence,
    pixels_in_item,
    replace_in_item,
    sequence_walker,
    unknown_sequence,
)
from dicomorph.dicom.engine.step_kinds import (
    CHARACTER_SET,
    CHECK_SHORT,
    DROP_SHORT,
    EDIT_SHORT,
    EMPTY_SHORT,
    FOLLOW_SHORT,
    JUDGED,
    PIXELS,
    SEQUENCE,
    STOP,
)
from dicomorph.dicom.stream.edit_script import Part
from dicomorph.dicom.stream.elements import (
    IMPLICIT_LITTLE,
    ITEM_DELIMITATION,
    UNDEFINED_LENGTH,
    end_of_undefined,
    holds_fragments,
    misplaced,
    overrun,
    skip_fragments,
)
from dicomorph.dicom.stream.source import Buffer

_TAG_AND_LENGTH = struct.Struct("<II").unpack_from
_PACK_LENGTH = struct.Struct("<I").pack
# As one little-endian number.
_ITEM_DELIMITATION = (ITEM_DELIMITATION & 0xFFFF) << 16 | ITEM_DELIMITATION >> 16


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
    known = encoded.first
    while pos < end:
        key, length = _TAG_AND_LENGTH(buffer, pos)
        step, known = known[key]
        if not step and length != UNDEFINED_LENGTH:
            pos += 8 + length
            continue
        replacement: list[Part]
        if step in (DROP_SHORT, EDIT_SHORT, EMPTY_SHORT):
            if length == UNDEFINED_LENGTH:
                stop = end_of_undefined(buffer, pos + 8, end, encoded.steps.tag_and_vr(key), IMPLICIT_LITTLE)
            else:
                stop = pos + 8 + length
            growth -= stop - pos
            replacement = []
            if step == EDIT_SHORT:
                whole = buffer[pos:stop]
                edited = encoded.edits.get(whole)
                if edited is None:
                    edited = encoded.edit(whole, key)
                replacement = [edited]
                growth += len(edited)
            elif step == EMPTY_SHORT:
                edited = encoded.substitutes[key]
                replacement = [edited]
                growth += len(edited)
        elif step == STOP:
            if undefined and key == _ITEM_DELIMITATION:
                break
            if undefined or pos + 8 != end or length or key != _ITEM_DELIMITATION:
                raise misplaced()
            pos = end  # a delimiter that ends what ends here anyway
            continue
        elif step == CHECK_SHORT:
            if length == UNDEFINED_LENGTH:
                raise overrun()
            stop = pos + 8 + length
            whole = buffer[pos:stop]
            if length <= SHORT_ELEMENT and whole in encoded.fitting:
                pos = stop
                continue
            instead = encoded.checked(whole, key)
            if instead is None:
                pos = stop
                continue
            replacement = [instead]
            growth += len(instead) - (stop - pos)
        elif step == FOLLOW_SHORT:
            if length == UNDEFINED_LENGTH:
                raise overrun()
            stop = pos + 8 + length
            whole = buffer[pos:stop]
            edited = encoded.edits.get(whole) or encoded.edit(whole, key)
            if edited == whole:
                pos = stop
                continue
            replacement = [edited]
            growth += len(edited) - (stop - pos)
        elif step == CHARACTER_SET:
            stop = pos + 8 + length
            encoded = encoded.under(buffer[pos + 8 : stop])
            declared = encoded.redeclared(buffer[pos + 8 : stop])
            if declared is None:
                pos = stop
                continue
            replacement = [declared]
            growth += len(declared) - (stop - pos)
        elif step == PIXELS:
            stop, found, more = pixels_in_item(buffer, first, pos, end, IMPLICIT_LITTLE)
            if found is None:
                pos = stop
                continue
            replacement = found
            growth += more
        elif step == JUDGED:
            encoded = encoded.judged(buffer, pos, end)
            known = encoded.first
            continue
        else:
            walk_of = nested_sequence
            if step != SEQUENCE:
                walk_of = unknown_sequence
                tag, vr = encoded.steps.tag_and_vr(key)
                if length == UNDEFINED_LENGTH:
                    if holds_fragments(tag, vr, IMPLICIT_LITTLE):
                        pos = skip_fragments(buffer, pos + 8, end, "<")
                        continue
                elif not holds_items(tag, vr, buffer[pos + 8 : min(pos + 12, pos + 8 + length)], "<"):
                    pos += 8 + length
                    continue
            stop, found, more = walk_of(
                sequence, buffer, pos, 8, end, encoded.items[key], depth, length, _PACK_LENGTH
            )
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


sequence = sequence_walker(item, IMPLICIT_LITTLE)
