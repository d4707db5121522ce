"""Elements and items in another encoding, at every depth: the hot loop of recoding.

The loop is long, because a call costs as much as the work that it would name: an enhanced
multi-frame has more than 100,000 nested elements.
"""

from __future__ import annotations

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
    holds_items,
)
from dicomorph.dicom.recoding.surroundings import Surroundings
from dicomorph.dicom.recoding.values import LONG_VALUE, ValueWriter
from dicomorph.dicom.recoding.words import swapped
from dicomorph.dicom.stream.elements import (
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
    skip_undefined,
    too_deep,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.stream.windows import Window

_HEADER = 12  # bytes, the longest of an element
_SHORT_SEQUENCE = 2048  # bytes; longer ones hardly repeat
_REMEMBERED = 2_000  # sequences


class Recoder(ValueWriter):
    """Writes elements of one source in another encoding, with the items in them.

    Parameters
    ----------
    window, output, target, makes_ranges
        As for `ValueWriter`.
    """

    def __init__(
        self, window: Window, output: Output, target: Encoding, *, makes_ranges: bool = True
    ) -> None:
        super().__init__(window, output, target, makes_ranges=makes_ranges)
        self._empty_item = self._item + bytes(4)
        self._undefined_item = self._item + b"\xff" * 4
        self._item_end = target.tag(ITEM_DELIMITATION) + bytes(4)
        self._sequences: dict[tuple[bytes, Encoding, int], bytes] = {}  # what short ones became, by depth
        self._is_contextual = False  # whether something depended on what surrounds the sequence

    def top_level(self, start: int, stop: int, around: Surroundings) -> None:
        """Write the element between two positions in the source."""
        buffer, base = self._window.of(start, min(stop, start + LONG_VALUE + _HEADER))
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
        if holds_items(tag, vr, beginning, steps):
            return self._sequence(tag, vr, value, stop, False, around)  # noqa: FBT003
        self._value(tag, b"UN" if vr == b"SQ" else vr, value, stop, steps)
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
        key = buffer[pos:end], steps.source, around.depth
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
        return pos + 8 if undefined else pos  # beyond what holds it, if there was no delimiter
