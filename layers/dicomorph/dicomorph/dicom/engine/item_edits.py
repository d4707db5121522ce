"""What the walkers of both encodings share: runs, insertions into items, and what they refuse."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

from dicomorph.dicom.engine.encoded_scope import EncodedScope, ItemScopes
from dicomorph.dicom.frames.item_pixels import clean_in_item
from dicomorph.dicom.standard.tags import SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.edit_script import Part, parts_size
from dicomorph.dicom.stream.elements import (
    ITEM,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    StructureError,
    misplaced,
    out_of_order,
    overrun,
    read_element,
    read_header,
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.second_reading import check_items_are_read_alike
from dicomorph.dicom.stream.source import Buffer

# Where the structure ends, its parts (None: unchanged), and by how many bytes its content grows.
Rewritten: TypeAlias = tuple[int, list[Part] | None, int]

# The walkers take: buffer, position, end, what to do, depth, whether the length is undefined.
ItemWalker: TypeAlias = Callable[[Buffer, int, int, EncodedScope, int, bool], Rewritten]
SequenceWalker: TypeAlias = Callable[[Buffer, int, int, ItemScopes, int, bool], Rewritten]

# What a walk leads to that does not find items; the last two past the end of a buffer.
NO_SEQUENCE = (StructureError, struct.error, IndexError)
LONG_RUN = 1 << 16  # from here on a run is a range of the original, not a copy


def sequence_walker(  # noqa: C901, PLR0915 - a hot loop
    item: ItemWalker, encoding: Encoding
) -> SequenceWalker:
    """Return the walker of sequences whose items another walker rewrites.

    A closure over what it uses, because it is part of the engine's hot loop.
    """
    tag_and_length = struct.Struct(encoding.order + "II").unpack_from
    pack_length = struct.Struct(encoding.order + "I").pack
    (item_tag,) = struct.unpack(encoding.order + "I", encoding.tag(ITEM))
    (sequence_delimitation,) = struct.unpack(encoding.order + "I", encoding.tag(SEQUENCE_DELIMITATION))

    def sequence(  # noqa: C901, PLR0912 - hot loop
        buffer: Buffer,
        pos: int,
        end: int,
        items: ItemScopes,
        depth: int,
        undefined: bool,  # noqa: FBT001 - positional calls are faster
    ) -> Rewritten:
        if depth >= MAXIMUM_DEPTH:
            raise too_deep()
        encoded, by_index = items.first, items.by_index
        out: list[Part] | None = None
        run, index, growth = pos, 0, 0
        while pos < end:
            tag, length = tag_and_length(buffer, pos)
            if tag != item_tag:
                if tag != sequence_delimitation or not (undefined or (pos + 8 == end and not length)):
                    raise misplaced()
                if not undefined:  # a delimiter that ends what ends here anyway
                    pos = end
                break
            if by_index:
                encoded = items.at(index)
                index += 1
            start = pos + 8
            if length == UNDEFINED_LENGTH:
                if encoded is None:
                    pos = skip_undefined(buffer, start, end, encoding, in_item=True)
                    continue
                pos, parts, more = item(buffer, start, end, encoded, depth + 1, True)  # noqa: FBT003
                if parts is not None:
                    if out is None:
                        out = []
                    out.append(buffer[run:start])
                    out += parts
                    growth += more
                    run = pos - 8  # the delimiter joins the next run
                continue
            stop = start + length
            if stop > end:
                raise overrun()
            if encoded is not None and (length or encoded.replaces):
                _, parts, more = item(buffer, start, stop, encoded, depth + 1, False)  # noqa: FBT003
                if parts is not None:
                    if out is None:
                        out = []
                    out.append(buffer[run : pos + 4] + pack_length(length + more))
                    out += parts
                    growth += more
                    run = stop
            pos = stop
        if (pos < end) is not undefined:
            raise overrun()
        if undefined:
            pos += 8
        if out is not None and run < pos:
            out.append(buffer[run:pos])
        return pos, out, growth

    return sequence


def walker_of_unknown(walk: SequenceWalker, encoding: Encoding) -> SequenceWalker:
    """Return the walker of sequences that come as UN: it refuses what others may read otherwise."""

    def sequence(
        buffer: Buffer,
        pos: int,
        end: int,
        items: ItemScopes,
        depth: int,
        undefined: bool,  # noqa: FBT001 - as the others
    ) -> Rewritten:
        stop, parts, growth = walk(buffer, pos, end, items, depth, undefined)
        check_items_are_read_alike(buffer[pos:stop] if parts is None else items.joined(parts), encoding)
        return stop, parts, growth

    return sequence


def nested_sequence(  # noqa: PLR0913, PLR0917 - the state of the loops that call it
    walk: SequenceWalker,
    buffer: Buffer,
    pos: int,
    header_size: int,
    end: int,
    items: ItemScopes,
    depth: int,
    length: int,
    pack_length: Callable[[int], bytes],
) -> Rewritten:
    """Rewrite a sequence with its header, whose last four bytes are the length.

    Parameters
    ----------
    walk : Callable[..., Rewritten]
        The walker of the sequence's encoding.
    """
    start = pos + header_size
    if length == UNDEFINED_LENGTH:
        stop, parts, growth = walk(buffer, start, end, items, depth, True)  # noqa: FBT003
        return stop, None if parts is None else [buffer[pos:start], *parts], growth
    stop = start + length
    if stop > end:
        raise overrun()
    if not length:
        return stop, None, 0
    _, parts, growth = walk(buffer, start, stop, items, depth, False)  # noqa: FBT003
    if parts is None:
        return stop, None, 0
    return stop, [buffer[pos : start - 4] + pack_length(length + growth), *parts], growth


def pixels_in_item(buffer: Buffer, first: int, pos: int, end: int, encoding: Encoding) -> Rewritten:
    """Rewrite pixel data in an item that is anonymized; its elements begin at `first`."""
    stop, found = clean_in_item(buffer, first, pos, end, encoding)
    growth = len(found) - (stop - pos)
    return stop, [found] if growth or found != buffer[pos:stop] else None, growth


def unknown_sequence(  # noqa: PLR0913, PLR0917 - as above
    walk: SequenceWalker,
    buffer: Buffer,
    pos: int,
    header_size: int,
    end: int,
    items: ItemScopes,
    depth: int,
    length: int,
    pack_length: Callable[[int], bytes],
) -> Rewritten:
    """Rewrite what begins like a sequence with its header, as `nested_sequence`, if it is one.

    What the dictionary does not know and no VR calls a sequence may be other bytes (PS3.5 6.2.2).
    They go when anonymizing, for a reader may open them all the same, and stay otherwise.
    """
    try:
        return nested_sequence(walk, buffer, pos, header_size, end, items, depth, length, pack_length)
    except NO_SEQUENCE as error:
        stop = pos + header_size + length
        if stop > end or items.is_known or items.waits_for_order(error):  # an undefined length is beyond all
            raise
        return (stop, [], pos - stop) if items.drops_unreadable() else (stop, None, 0)


def replace_in_item(  # noqa: C901, PLR0913, PLR0917 - the arguments of the walkers
    walk: ItemWalker,
    buffer: Buffer,
    pos: int,
    end: int,
    encoded: EncodedScope,
    depth: int,
    undefined: bool,  # noqa: FBT001 - as the walkers
) -> Rewritten:
    """Rewrite an item that gets replacement values: element by element, insertions in order.

    Parameters
    ----------
    walk : Callable[..., Rewritten]
        The walker of the item's encoding, used for everything that is not replaced.
    """
    encoded = encoded.ahead(buffer, pos, end)
    pending = sorted(encoded.scope.replacements)
    start, out, last = pos, list[Part](), -1
    while pos < end:
        tag, _, value, length = read_header(buffer, pos, end, encoded.encoding)
        if tag >> 16 == ITEM >> 16:
            if tag != ITEM_DELIMITATION or not (undefined or (value == end and not length)):
                raise misplaced()
            if not undefined:  # as at the end of a sequence
                pos = end
            break
        if tag <= last and not encoded.rewriting.is_ordered:
            raise out_of_order(tag)
        last = tag
        while pending and pending[0] < tag:
            out.append(encoded.replacement(pending.pop(0)))
        element = read_element(buffer, pos, end, encoded.encoding)
        if tag == SPECIFIC_CHARACTER_SET:
            encoded = encoded.under(buffer[element.value : element.stop])
        if pending and pending[0] == tag:
            out.append(encoded.replacement(pending.pop(0), element.vr))
        elif encoded.steps.is_pixels(buffer, pos):
            out += pixels_in_item(buffer, start, pos, end, encoded.encoding)[1] or [
                buffer[pos : element.stop]
            ]
        else:
            out += _edited_element(walk, buffer, pos, element.stop, encoded, depth)
        pos = element.stop
    if (pos < end) is not undefined:
        raise overrun()
    out += [encoded.replacement(missing) for missing in pending]
    growth = parts_size(out) - (pos - start)
    return (pos + 8 if undefined else pos), out, growth


def _edited_element(
    walk: ItemWalker, buffer: Buffer, pos: int, stop: int, encoded: EncodedScope, depth: int
) -> list[Part]:
    parts = walk(buffer, pos, stop, encoded.plain, depth, False)[1]  # noqa: FBT003
    return [buffer[pos:stop]] if parts is None else parts
