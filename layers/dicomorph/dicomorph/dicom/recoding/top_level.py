"""The top level of a data set in another encoding, with what changes there."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.dicom.frames.offset_elements import OFFSET_ELEMENTS
from dicomorph.dicom.recoding.changes import Change, PixelDataParts
from dicomorph.dicom.recoding.items import Recoder
from dicomorph.dicom.recoding.output import MOST_IN_MEMORY, Output
from dicomorph.dicom.recoding.steps import CREATOR, PRIVATE, Steps
from dicomorph.dicom.recoding.surroundings import Surroundings, TopLevelSurroundings
from dicomorph.dicom.recoding.words import swapped
from dicomorph.dicom.standard.tags import (
    PIXEL_DATA,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    format_tag,
)
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES, is_transfer_syntax
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.stream.edit_script import ScriptPart
from dicomorph.dicom.stream.elements import (
    EXPLICIT_LITTLE,
    ITEM,
    UNDEFINED_LENGTH,
    Element,
    TruncatedError,
    holds_fragments,
    misplaced,
    out_of_order,
    read_header,
)
from dicomorph.dicom.stream.part10 import DataSetBytes, encoding_under
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError

_ELSEWHERE = (0x0000, 0x0002)  # groups of commands and of the file meta information
_LAST_ELSEWHERE = 0x0002FFFF
_LAST = 1 << 32
_PADDING = 0xFFFFFFFF


class TopLevel:
    """One walk over one data set.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    transfer_syntax : str
        What it is written for.
    changes : Mapping[int, Change]
        What becomes of some elements.
    pixel_data : PixelDataParts or None
        What takes the place of the pixel data.
    """

    def __init__(
        self,
        data: DataSetBytes,
        transfer_syntax: str,
        changes: Mapping[int, Change],
        pixel_data: PixelDataParts | None,
    ) -> None:
        self._data = data
        self._syntax = transfer_syntax
        self.target = target = encoding_under(transfer_syntax)
        """How it is written."""
        self._changes = changes
        self._pixel_data = pixel_data
        self._window = Window(data.source, data.start)
        self._output = Output(data.source.scratch, target.order)
        self._is_same = data.encoding == target
        self._recoder = Recoder(self._window, self._output, target)
        self._around = TopLevelSurroundings(data, Steps.between(data.encoding, target))
        written = {tag for tag, change in changes.items() if change is not None}
        if pixel_data is not None:
            written.add(PIXEL_DATA)
        self._written = written
        self._gone = (changes.keys() | (set() if pixel_data is None else OFFSET_ELEMENTS)) - written
        self._waiting = sorted(written, reverse=True)
        self._next = self._waiting[-1] if written else _LAST
        self._special = frozenset((SOP_CLASS_UID, SOP_INSTANCE_UID, PIXEL_DATA, *self._gone))
        self._run = data.start  # where what is copied as it stands begins
        self.uids = {SOP_CLASS_UID: b"", SOP_INSTANCE_UID: b""}
        """What the file meta information repeats, once the data set is written."""

    def write(self) -> list[ScriptPart]:
        """Return the parts of the data set, in terms of its source."""
        pos = self._walk()
        self._copy_run(pos)
        self._write_up_to(_LAST)
        return self._output.parts()

    def _walk(self) -> int:  # noqa: C901 - hot loop
        """Write all elements; return where the last one ends, before padding."""
        data, window, around, output = self._data, self._window, self._around, self._output
        steps, pos, size, last, is_same = around.steps, data.start, window.size, -1, self._is_same
        special, chunk = self._special, self._output.chunk
        while pos < size:
            if pos > window.last_header:
                window.move(pos)
            base = window.base
            key = window.buffer[pos - base : pos - base + 8]
            try:
                tag, header, length, word = steps[key]
            except BadFileFormatError:
                if window.only_padding_from(pos):  # some writers pad files
                    break
                raise
            if tag <= last or tag == _PADDING:
                if window.only_padding_from(pos):
                    break
                raise out_of_order(tag)
            last = tag
            stop = pos + 8 + length
            if word == CREATOR:
                around.add_creator(tag, window.read(pos + 8, stop))
                word = 0
            elif word == PRIVATE:
                tag, header, length, word = steps.of_private(key, around.creator(tag))
            is_plain = word >= 0 and _LAST_ELSEWHERE < tag < self._next and tag not in special
            if not is_plain or stop > window.end:
                pos = self._element(pos, tag)
                chunk = output.chunk
                continue
            if not is_same:
                chunk += header
                value = window.buffer[pos - base + 8 : stop - base]
                chunk += swapped(value, word) if word else value
                if len(chunk) >= MOST_IN_MEMORY:
                    output.settle()
                    chunk = output.chunk
            pos = stop
        return pos

    def _element(self, pos: int, tag: int) -> int:
        """Write an element that is not simply copied, and what goes before it; return where it ends."""
        found = self._found(pos)
        if self._next <= tag:
            self._copy_run(pos)
            self._write_up_to(tag - 1)
        if tag in self._written:
            self._copy_run(pos)
            self._write_up_to(tag)
        elif not tag & 0xFFFF or tag >> 16 in _ELSEWHERE or tag in self._gone:
            self._copy_run(pos)
        else:
            self._keep(found)
            return found.stop
        self._run = found.stop
        return found.stop

    def _found(self, pos: int) -> Element:
        """Return the element at a position."""
        window, encoding = self._window, self._data.encoding
        buffer, base = window.of(pos, min(pos + 12, window.size))
        tag, vr, value, length = read_header(buffer, pos - base, window.size - base, encoding)
        if tag >> 16 == ITEM >> 16:
            raise misplaced()
        value += base
        undefined = length == UNDEFINED_LENGTH
        if not undefined:
            stop = value + length
        elif holds_fragments(tag, vr, encoding):
            stop = window.end_of_fragments(value, encoding.order)
        else:
            stop = window.end_of_items(value, vr, encoding)
        if stop > window.size:
            raise TruncatedError(f"{format_tag(tag)} is longer than the file")
        return Element(tag, vr, pos, value, stop, undefined)

    def _copy_run(self, stop: int) -> None:
        """Copy what stays as it stands, up to a position."""
        if self._is_same:
            self._output.add_range(self._run, stop)
        self._run = stop

    def _write_up_to(self, last: int) -> None:
        """Write what waits, up to a tag."""
        while self._waiting and self._waiting[-1] <= last:
            tag = self._waiting.pop()
            if tag == PIXEL_DATA and self._pixel_data is not None:
                self._write_pixel_data(self._pixel_data)
            elif change := self._changes[tag]:
                self._write_change(tag, *change)
        self._next = self._waiting[-1] if self._waiting else _LAST

    def _write_pixel_data(self, pixels: PixelDataParts) -> None:
        padding = pixels.size & 1
        length = UNDEFINED_LENGTH if pixels.is_encapsulated else pixels.size + padding
        self._output.chunk += self.target.header(PIXEL_DATA, pixels.vr, length)
        for part in pixels.parts:
            self._output.add(part)
        if padding and not pixels.is_encapsulated:
            self._output.chunk += b"\0"

    def _write_change(self, tag: int, vr: bytes, value: bytes) -> None:
        if len(value) & 1:
            value += b" " if vr in TEXT_VRS and vr != b"UI" else b"\0"
        if tag in self.uids:
            self.uids[tag] = value.rstrip(b"\0 ")
        element = EXPLICIT_LITTLE.element(tag, vr, value)
        if self.target == EXPLICIT_LITTLE:
            self._output.chunk += element
            return
        steps = Steps.between(EXPLICIT_LITTLE, self.target)
        recoder = Recoder(Window(BufferSource(element)), self._output, self.target, makes_ranges=False)
        around = Surroundings(self._around, element, 0, len(element), steps, 0)
        recoder.top_level(0, len(element), around)

    def _keep(self, found: Element) -> None:
        """Write an element of the source."""
        tag = found.tag
        if tag in self.uids:
            self.uids[tag] = self._window.read(found.value, found.stop).rstrip(b"\0 ")
        if tag == PIXEL_DATA:
            self._check_pixel_data(found)
        if self._is_same:
            return
        if tag == PIXEL_DATA and found.undefined:  # in little endian, as it is encapsulated
            self._output.chunk += self.target.header(tag, b"OB", UNDEFINED_LENGTH)
            self._output.add_range(found.value, found.stop)
        else:
            self._recoder.top_level(found.start, found.stop, self._around)
        self._output.settle()

    def _check_pixel_data(self, found: Element) -> None:
        """Raise `BadFileFormatError` if pixel data that stay cannot do so under the transfer syntax."""
        before = self._data.transfer_syntax
        if found.undefined and self.target.order != self._data.encoding.order:
            raise BadFileFormatError("Encapsulated pixel data are in little endian")
        if self._syntax == before or found.value == found.stop:
            return
        # Only its vendor knows how a private transfer syntax has them: some in the other byte order.
        is_native = self._syntax in NATIVE_TRANSFER_SYNTAXES
        if found.undefined is is_native or not is_transfer_syntax(before):
            raise BadFileFormatError("The pixel data cannot stay as they are under the transfer syntax")
