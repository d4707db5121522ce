"""Elements and items in another encoding, at every depth: the hot loop of recoding.

The loop is long, because a call costs as much as the work that it would name: an enhanced
multi-frame has more than 100,000 nested elements.
"""

from __future__ import annotations

import struct

from dicomorph.dicom.recoding.output import Output
from dicomorph.dicom.recoding.steps import (
    CREATOR,
    DROPPED,
    PRIVATE,
    SEQUENCE,
    STOP,
    Step,
    Steps,
    check_may_be_sequence,
    no_sequence,
)
from dicomorph.dicom.recoding.surroundings import Surroundings
from dicomorph.dicom.recoding.words import swapped, swapped_pieces
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    encoding_inside,
    holds_fragments,
    misplaced,
    out_of_order,
    overrun,
    skip_fragments,
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.stream.windows import Window

_LONG_VALUE = 1 << 16  # bytes; from here on a value is a range of the source, not a copy
_NEVER = 1 << 32
_HEADER = 12  # bytes, the longest of an element
_SHORT_SEQUENCE = 2048  # bytes; longer ones hardly repeat
_REMEMBERED = 2_000  # sequences
_LITTLE_ITEM, _BIG_ITEM = EXPLICIT_LITTLE.tag(ITEM), EXPLICIT_BIG.tag(ITEM)


class Recoder:
    """Writes elements of one source in another encoding.

    Parameters
    ----------
    window : Window
        Where they are read.
    output : Output
        Where they go.
    target : Encoding
        How they are to be written.
    makes_ranges : bool
        Whether long values become ranges of the source; else they are copied.
    """

    def __init__(
        self, window: Window, output: Output, target: Encoding, *, makes_ranges: bool = True
    ) -> None:
        self._window = window
        self._output = output
        self._target = target
        self._item = target.tag(ITEM)
        self._pack_length = struct.Struct(target.order + "I").pack
        self._empty_item = self._item + bytes(4)
        self._undefined_item = self._item + b"\xff" * 4
        self._item_end = target.tag(ITEM_DELIMITATION) + bytes(4)
        self._sequence_end = target.tag(SEQUENCE_DELIMITATION) + bytes(4)
        self._base = 0  # of the buffer that is walked
        self._longest = _LONG_VALUE if makes_ranges else _NEVER
        self._sequences: dict[tuple[bytes, Encoding], bytes] = {}  # what short ones became
        self._is_contextual = False  # whether something depended on what surrounds the sequence

    def top_level(self, start: int, stop: int, around: Surroundings) -> None:
        """Write the element between two positions in the source."""
        buffer, base = self._window.of(start, min(stop, start + _LONG_VALUE + _HEADER))
        self._base = base
        self._data_set(buffer, start - base, stop - base, False, around)  # noqa: FBT003

    def _data_set(  # noqa: C901 - hot loop
        self,
        buffer: Buffer,
        pos: int,
        end: int,
        undefined: bool,  # noqa: FBT001 - positional calls are faster
        around: Surroundings,
    ) -> int:
        """Write the elements of an item; return where they end, before a delimiter."""
        chunk, steps, last = self._output.chunk, around.steps, -1
        while pos < end:
            key = buffer[pos : pos + 8]
            step = steps[key]
            tag, header, length, word = step
            if word == STOP:
                if tag != ITEM_DELIMITATION or not (undefined or pos + 8 == end):
                    raise misplaced()
                if not undefined:  # a delimiter that ends what ends here anyway
                    pos = end
                break
            if tag <= last:
                raise out_of_order(tag)
            last = tag
            if word == CREATOR:
                around.add_creator(tag, buffer[pos + 8 : pos + 8 + length])
                word = 0
            elif word == PRIVATE:
                step = steps.of_private(key, around.creator(tag))
                tag, header, length, word = step
            if word < 0:
                pos = self._other(buffer, pos, end, step, around)
                chunk = self._output.chunk
                continue
            start = pos + 8
            pos = start + length
            chunk += header
            if not word:
                chunk += buffer[start:pos]
            elif word == length:
                chunk += buffer[start:pos][::-1]
            else:
                chunk += swapped(buffer[start:pos], word)
        if (pos < end) is not undefined or pos > end:
            raise overrun()
        return pos

    def _other(self, buffer: Buffer, pos: int, end: int, step: Step, around: Surroundings) -> int:
        """Write an element that takes a closer look; return where it ends."""
        tag, _, length, kind = step
        value, vr, steps = pos + 8, b"", around.steps
        if steps.source.explicit and kind != DROPPED:
            vr, value = buffer[pos + 4 : pos + 6], pos + 12
            (length,) = steps.long_length(buffer, pos + 8)
        if length == UNDEFINED_LENGTH:
            if kind != SEQUENCE and holds_fragments(tag, vr, steps.source):
                return self._fragments(tag, buffer, value, end, steps)
            return self._sequence(tag, vr, value, end, True, around)  # noqa: FBT003
        stop = value + length
        if stop > end:
            raise overrun()
        if kind == DROPPED or not tag & 0xFFFF:
            return stop
        if kind == SEQUENCE:
            return self._sequence(tag, vr, value, stop, False, around)  # noqa: FBT003
        beginning = buffer[value : min(value + 4, stop)]
        if not steps.source.explicit:
            vr = around.vr(tag, length)
            self._is_contextual = self._is_contextual or bool(around.inherits)
        if _holds_items(tag, vr, beginning, steps):
            return self._sequence(tag, vr, value, stop, False, around)  # noqa: FBT003
        self._value(tag, b"UN" if vr == b"SQ" else vr, value, stop, steps)
        return stop

    def _value(self, tag: int, vr: bytes, start: int, stop: int, steps: Steps) -> None:
        """Write an element that is no sequence, of defined length."""
        output, word, read = self._output, steps.word(vr), self._window.read
        start, stop = self._base + start, self._base + stop
        output.chunk += self._target.header(tag, vr, stop - start)
        if stop - start < self._longest:
            output.chunk += swapped(read(start, stop), word) if word else read(start, stop)
        elif word:
            output.keep(swapped_pieces(read, start, stop, word))
        else:
            output.add_range(start, stop)

    def _copy(self, start: int, stop: int) -> None:
        """Write what is the same in both encodings."""
        start, stop = self._base + start, self._base + stop
        if stop - start < self._longest:
            self._output.chunk += self._window.read(start, stop)
        else:
            self._output.add_range(start, stop)

    def _fragments(self, tag: int, buffer: Buffer, value: int, end: int, steps: Steps) -> int:
        """Write encapsulated pixel data; what the fragments hold stays as it is."""
        order = steps.source.order
        stop = skip_fragments(buffer, value, end, order)
        self._output.chunk += self._target.header(tag, b"OB", UNDEFINED_LENGTH)
        if not steps.swaps:
            self._copy(value, stop)
            return stop
        while value < stop - DELIMITER_BYTES:
            _, length = steps.tag_and_length(buffer, value)
            self._output.chunk += self._item + self._pack_length(length)
            value += DELIMITER_BYTES
            self._copy(value, value + length)
            value += length
        self._output.chunk += self._sequence_end
        return stop

    def _sequence(
        self,
        tag: int,
        vr: bytes,
        value: int,
        end: int,
        undefined: bool,  # noqa: FBT001 - as above
        around: Surroundings,
    ) -> int:
        """Write a sequence that ends at a position, or before with a delimiter; return where it ends."""
        before = self._base
        buffer, base = self._window.of(before + value, before + end)  # the top level has a part of it
        self._base, shift = base, before - base
        value, end = value + shift, end + shift
        steps, target = around.steps, self._target
        inner = steps.source
        if vr == b"UN":
            inner = encoding_inside(vr, inner, buffer, value, end)
            steps = Steps.between(inner, target)
            if not target.explicit:
                check_may_be_sequence(tag)
        if inner == target:
            stop = skip_undefined(buffer, value, end, inner) if undefined else end
            self._output.chunk += target.header(tag, b"SQ", UNDEFINED_LENGTH if undefined else end - value)
            self._copy(value, stop)
        elif undefined:
            self._output.chunk += target.header(tag, b"SQ", UNDEFINED_LENGTH)
            stop = self._items(buffer, value, end, True, steps, around)  # noqa: FBT003
            self._output.chunk += self._sequence_end
        else:
            stop = end
            self._output.chunk += target.header(tag, b"SQ", 0)
            if end - value < _SHORT_SEQUENCE:
                self._short_items(buffer, value, end, steps, around)
            else:
                opened = self._output.open_length()
                self._items(buffer, value, end, False, steps, around)  # noqa: FBT003
                self._output.close_length(opened)
        return stop - shift

    def _short_items(self, buffer: Buffer, pos: int, end: int, steps: Steps, around: Surroundings) -> None:
        """Write the items of a sequence that may come again; none of their values is long."""
        key = buffer[pos:end], steps.source
        found = self._sequences.get(key)
        chunk = self._output.chunk
        if found is not None:
            chunk[-4:] = self._pack_length(len(found))
            chunk += found
            return
        was_contextual, self._is_contextual = self._is_contextual, False
        start = len(chunk)
        self._items(buffer, pos, end, False, steps, around)  # noqa: FBT003
        chunk[start - 4 : start] = self._pack_length(len(chunk) - start)
        if not self._is_contextual and len(self._sequences) < _REMEMBERED:
            self._sequences[key] = bytes(chunk[start:])
        self._is_contextual = self._is_contextual or was_contextual

    def _items(
        self,
        buffer: Buffer,
        pos: int,
        end: int,
        undefined: bool,  # noqa: FBT001 - as above
        steps: Steps,
        around: Surroundings,
    ) -> int:
        """Write items; return where they end, behind a delimiter."""
        depth, output = around.depth + 1, self._output
        if depth > MAXIMUM_DEPTH:
            raise too_deep()
        while pos < end:
            tag, length = steps.tag_and_length(buffer, pos)
            start = pos + 8
            if tag != ITEM:
                if tag != SEQUENCE_DELIMITATION or not (undefined or (start == end and not length)):
                    raise misplaced()
                if not undefined:  # a delimiter that ends what ends here anyway
                    pos = end
                break
            if length == UNDEFINED_LENGTH:
                output.chunk += self._undefined_item
                inner = Surroundings(around, buffer, start, end, steps, depth)
                pos = self._data_set(buffer, start, end, True, inner) + 8  # noqa: FBT003
                output.chunk += self._item_end
                continue
            pos = start + length
            if pos > end:
                raise overrun()
            output.chunk += self._empty_item
            if length:
                opened = output.open_length()
                inner = Surroundings(around, buffer, start, pos, steps, depth)
                self._data_set(buffer, start, pos, False, inner)  # noqa: FBT003
                output.close_length(opened)
        if (pos < end) is not undefined:
            raise overrun()
        return pos + 8 if undefined else pos


def _holds_items(tag: int, vr: bytes, beginning: bytes, steps: Steps) -> bool:
    """Tell whether an element that may be none is written as a sequence; its length is defined.

    Bytes of VR UN stay as they are. But a reader of implicit VR opens what the dictionary calls a
    sequence, and items in big endian are in no other data set.

    Raises
    ------
    BadFileFormatError
        If such a reader would find no items.
    """
    source = steps.source
    if not source.explicit:
        return vr == b"SQ" and beginning in (b"", _LITTLE_ITEM)
    if source.order == ">" and vr == b"UN" and beginning == _BIG_ITEM:
        return True
    if not beginning or vr_of(tag) != "SQ":
        return False
    is_item = beginning == (_LITTLE_ITEM if vr == b"UN" else source.tag(ITEM))
    if steps.target.explicit:
        return is_item and vr != b"UN"
    if not is_item:
        raise no_sequence(tag)
    return True
