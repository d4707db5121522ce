"""The top level of a data set in another encoding, with what changes there."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.dicom.recoding.changes import Change, PixelDataParts
from dicomorph.dicom.recoding.items import Recoder
from dicomorph.dicom.recoding.output import Output
from dicomorph.dicom.recoding.steps import Steps
from dicomorph.dicom.recoding.surroundings import Surroundings
from dicomorph.dicom.standard.tags import (
    PIXEL_DATA,
    PIXEL_REPRESENTATION,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
)
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.stream.edit_script import ScriptPart
from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, UNDEFINED_LENGTH, Element
from dicomorph.dicom.stream.part10 import DataSetBytes, encoding_under
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.values.pixel_values import is_signed
from dicomorph.model.errors import BadFileFormatError

_FIRST_TAG = 0x00080000  # what lies below is file meta, commands or a DICOMDIR
_LAST = 1 << 32
# What counts the bytes of encapsulated pixel data (PS3.3 C.7.6.3.1.8, C.7.6.3.1.9).
_OFFSETS = frozenset((0x7FE00001, 0x7FE00002, 0x7FE00003))


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
        self._recoder = Recoder(self._window, self._output, target)
        self._around = _TopLevelSurroundings(data, Steps.between(data.encoding, target))
        written = {tag for tag, change in changes.items() if change is not None}
        if pixel_data is not None:
            written.add(PIXEL_DATA)
        self._gone = (changes.keys() | (set() if pixel_data is None else _OFFSETS)) - written
        self._waiting = sorted(written, reverse=True)
        self.uids = {SOP_CLASS_UID: b"", SOP_INSTANCE_UID: b""}
        """What the file meta information repeats, once the data set is written."""

    def write(self) -> list[ScriptPart]:
        """Return the parts of the data set, in terms of its source."""
        for found in scan_whole(self._data):
            self._write_up_to(found.tag - 1)
            if self._waiting and self._waiting[-1] == found.tag:
                self._write_up_to(found.tag)
            elif found.tag not in self._gone and found.tag & 0xFFFF and found.tag >= _FIRST_TAG:
                self._keep(found)
            self._output.settle()
        self._write_up_to(_LAST)
        return self._output.parts()

    def _write_up_to(self, last: int) -> None:
        """Write what waits, up to a tag."""
        while self._waiting and self._waiting[-1] <= last:
            tag = self._waiting.pop()
            if tag == PIXEL_DATA and self._pixel_data is not None:
                self._write_pixel_data(self._pixel_data)
            elif change := self._changes[tag]:
                self._write_change(tag, *change)

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
        tag, stop = found.tag, found.stop
        if tag in self.uids:
            self.uids[tag] = self._window.read(found.value, stop).rstrip(b"\0 ")
        if tag == PIXEL_DATA:
            self._check_pixel_data(found)
            if found.undefined:
                stop = self._window.end_of_fragments(found.value, self._data.encoding.order)
        if self._data.encoding == self.target:
            self._output.add_range(found.start, stop)
        elif tag == PIXEL_DATA and found.undefined:  # in little endian, as it is encapsulated
            self._output.chunk += self.target.header(tag, b"OB", UNDEFINED_LENGTH)
            self._output.add_range(found.value, stop)
        else:
            self._recoder.top_level(found.start, stop, self._around)

    def _check_pixel_data(self, found: Element) -> None:
        """Raise `BadFileFormatError` if pixel data that stay cannot do so under the transfer syntax."""
        if self._syntax == self._data.transfer_syntax or found.value == found.stop:
            return
        if found.undefined is (self._syntax in NATIVE_TRANSFER_SYNTAXES):
            raise BadFileFormatError("The pixel data cannot stay as they are under the transfer syntax")


class _TopLevelSurroundings(Surroundings):
    """The data set of a file, which need not be at hand as a whole."""

    __slots__ = ("_data",)

    def __init__(self, data: DataSetBytes, steps: Steps) -> None:
        super().__init__(None, b"", 0, 0, steps, 0)
        self._data = data

    def _find_sign(self) -> bool | None:
        for found in scan(self._data, last=PIXEL_REPRESENTATION, wanted={PIXEL_REPRESENTATION}):
            return is_signed(self._data.source.read(found.value, found.stop))
        return None
