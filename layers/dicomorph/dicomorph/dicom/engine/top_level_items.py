"""Sequences and pixel data at the top level of a data set, and where what is of no interest ends."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from dicomorph.dicom.engine.encoded_scope import EncodedScopes, ItemScopes
from dicomorph.dicom.engine.explicit_items import WALKERS, WALKERS_OF_UNKNOWN
from dicomorph.dicom.engine.holding_items import holds_items, is_no_sequence
from dicomorph.dicom.engine.item_edits import NO_SEQUENCE, Rewritten
from dicomorph.dicom.engine.reference_walk import ReferenceWalk
from dicomorph.dicom.engine.step_kinds import (
    SEQUENCE,
    UNKNOWN,
)
from dicomorph.dicom.frames.pixel_data import PixelData
from dicomorph.dicom.standard.tags import (
    PIXEL_DATA,
    format_tag,
)
from dicomorph.dicom.stream.edit_script import EditScript, ScriptPart, parts_size
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    UNDEFINED_LENGTH,
    TruncatedError,
    encoding_inside,
    holds_fragments,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.source import Buffer, BufferSource
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError


class TopLevelItems:
    """What the walk over the top level does with elements that hold items, or pixels.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    scopes : EncodedScopes
        The rules of the plan, and what was learnt from files before.
    signed : bool, optional
        Whether pixel values are, as far as it matters and the data set says so.
    references : ReferenceWalk, optional
        Rewrites references in sequences; None if they stay.
    """

    fragments: tuple[int, int] | None = None
    """Where the value of encapsulated pixel data begins and ends in the edited data set."""

    def __init__(
        self,
        data: DataSetBytes,
        scopes: EncodedScopes,
        *,
        signed: bool | None = None,
        references: ReferenceWalk | None = None,
    ) -> None:
        self._size = data.source.size
        self._encoding = data.encoding
        self._walk = WALKERS[data.encoding]
        self._encoded = scopes.root(data.encoding, signed=signed)
        self._window = scopes.rewriting.window = Window(data.source, data.start)
        self._rewriting = scopes.rewriting
        self._rewriting.unreadable = self._rewriting.unfit = 0
        scopes.begin_file()
        self._follower = references
        self._out: list[ScriptPart] = []
        self._run = data.start
        is_anonymization = scopes.rewriting.plan.is_anonymization
        self._pixels = PixelData(data, self._window, is_anonymization=is_anonymization)

    def _copy_run(self, stop: int) -> None:
        if self._run < stop:
            self._out.append((self._run, stop))

    def _stop(self, tag: int, vr: bytes, value: int, length: int) -> int:
        """Return where an element ends whose content is of no interest."""
        if length != UNDEFINED_LENGTH:
            if value + length > self._size:
                message = f"{format_tag(tag)} is longer than the file"
                raise TruncatedError(message)
            return value + length
        if holds_fragments(tag, vr, self._encoding):
            return self._window.end_of_fragments(value, self._encoding.order)
        return self._window.end_of_items(value, vr, self._encoding)

    def _pixel_data(self, tag: int, vr: bytes, pos: int, value: int, length: int) -> int:
        """Keep pixel data or what counts their bytes; when anonymizing, nothing but the image stays."""
        if length == UNDEFINED_LENGTH and not holds_fragments(tag, vr, self._encoding):
            if self._rewriting.plan.is_anonymization:  # a sequence, in which there may be anything
                raise BadFileFormatError(f"{format_tag(tag)} cannot be a sequence")
            return self._stop(tag, vr, value, length)
        parts, stop = self._pixels.element(tag, vr, pos, value, length)
        if parts is not None:
            self._copy_run(pos)
            self._out += parts
            self._run = stop
        if tag == PIXEL_DATA and length == UNDEFINED_LENGTH:
            end = parts_size(self._out) + stop - self._run
            self.fragments = (end - self._pixels.encapsulated_size, end)
        return stop

    def _sequence(  # noqa: PLR0913, PLR0917 - what is known of the element
        self, key: Any, step: int, tag: int, vr: bytes, pos: int, value: int, length: int
    ) -> int:
        """Rewrite the items of a sequence at the top level."""
        if step == UNKNOWN and length != UNDEFINED_LENGTH:
            beginning = self._window.read(value, value + min(4, length))
            if not holds_items(tag, vr, beginning, self._encoding.order):
                return self._no_sequence(key, tag, vr, pos, value, length)
        may_be_pixels = step != SEQUENCE or tag == PIXEL_DATA
        if length == UNDEFINED_LENGTH and may_be_pixels and holds_fragments(tag, vr, self._encoding):
            return self._pixel_data(tag, vr, pos, value, length)
        items = self._encoded.items[key]
        if self._follower is not None and self._encoded.scope.follows(tag):
            stop = self._stop(tag, vr, value, length)
            done = self._follow(key, tag, vr, pos, value, stop, undefined=length == UNDEFINED_LENGTH)
            if done or not self._encoded.items[key].changes:
                return stop
        if length == UNDEFINED_LENGTH:
            size, parts, _ = self._window.growing(value, self._walk_of_undefined(vr, items))
            stop, header = value + size, self._window.read(pos, value)
        else:
            stop = self._stop(tag, vr, value, length)
            buffer, base = self._window.of(value, stop)
            try:
                _, parts, growth = self._items(vr, items, buffer, value - base, stop - base, undefined=False)
            except NO_SEQUENCE as error:
                if step != UNKNOWN or items.is_known or items.waits_for_order(error):
                    raise
                return self._without_unreadable(items, pos, stop)
            header = self._encoding.header(tag, vr, length + growth)
        if parts is None:
            return stop
        self._copy_run(pos)
        self._out.append(header)
        self._out += parts
        self._run = stop
        return stop

    def _follow(  # noqa: PLR0913 - as above
        self, key: Any, tag: int, vr: bytes, pos: int, value: int, stop: int, *, undefined: bool
    ) -> bool:
        """Rewrite a sequence whose references follow; tell whether any did."""
        if self._follower is None:
            return False
        buffer, base = self._window.of(pos, stop)
        last = stop - DELIMITER_BYTES if undefined else stop
        inner = encoding_inside(vr, self._encoding, buffer, value - base, last - base)
        items = self._follower.items(tag, buffer, value - base, last - base, inner)
        if items is None:
            return False
        items = self._ruled(key, vr, items)
        self._copy_run(pos)
        header = buffer[pos - base : value - base]
        if undefined:
            self._out += (header, items, buffer[last - base : stop - base])
        else:
            self._out += (header[:-4] + struct.pack(self._encoding.order + "I", len(items)), items)
        self._run = stop
        return True

    def _ruled(self, key: Any, vr: bytes, items: bytes) -> bytes:
        """Return items with new references as the rules of the plan leave them."""
        scopes = self._encoded.items[key]
        if not scopes.changes:
            return items
        source = BufferSource(items)
        self._rewriting.window = Window(source)  # to which ranges refer
        try:
            _, parts, _ = self._items(vr, scopes, items, 0, len(items), undefined=False)
        finally:
            self._rewriting.window = self._window
        return items if parts is None else EditScript.of(parts).join(source)

    def _walk_of_undefined(self, vr: bytes, items: ItemScopes) -> Callable[[Buffer, int, int], Rewritten]:
        """Return a walk that may be begun again with more of the file at hand."""
        rewriting = self._encoded.rewriting
        counted = rewriting.unreadable, rewriting.unfit

        def walk(buffer: Buffer, start: int, end: int) -> Rewritten:
            rewriting.unreadable, rewriting.unfit = counted
            return self._items(vr, items, buffer, start, end, undefined=True)

        return walk

    def _no_sequence(self, key: Any, tag: int, vr: bytes, pos: int, value: int, length: int) -> int:
        """Step over what holds no items; where it should, it goes as what cannot be read does."""
        stop = self._stop(tag, vr, value, length)
        if is_no_sequence(tag, vr, length):
            return self._without_unreadable(self._encoded.items[key], pos, stop)
        return stop

    def _without_unreadable(self, items: ItemScopes, pos: int, stop: int) -> int:
        """Drop or keep what only begins like a sequence (see `item_edits.unknown_sequence`)."""
        if items.drops_unreadable():
            self._copy_run(pos)
            self._run = stop
        return stop

    def _items(
        self, vr: bytes, items: ItemScopes, buffer: Buffer, start: int, end: int, *, undefined: bool
    ) -> Rewritten:
        """Rewrite the items of a sequence; return their size in place of where they end."""
        walk = self._walk
        if vr and vr != b"SQ":
            encoding = encoding_inside(b"UN", self._encoding, buffer, start, end)
            walk, items = WALKERS_OF_UNKNOWN[encoding], items.written_in(encoding)
        stop, parts, growth = walk(buffer, start, end, items, 0, undefined)
        return stop - start, parts, growth
