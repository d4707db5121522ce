"""The elements of group 7FE0 that stay while a file is rewritten: pixels, and where frames begin."""

from __future__ import annotations

from collections.abc import Sequence

from dicomorph.dicom.frames.cleaners import Cleaners
from dicomorph.dicom.frames.encapsulated import clean, clean_bare
from dicomorph.dicom.frames.fragments import Fragment
from dicomorph.dicom.frames.image_pixel import (
    IMAGE_PIXEL,
    PIXELS,
    ImagePixel,
    image_pixel_in,
    image_pixel_of,
    read_values,
)
from dicomorph.dicom.frames.native import check_may_be_native, is_native, length_of_pixels
from dicomorph.dicom.frames.offset_elements import OFFSET_ELEMENTS, OffsetElements
from dicomorph.dicom.frames.overlay_bits import mask_of_pixels
from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.dicom.stream.edit_script import Part, ScriptPart, parts_size
from dicomorph.dicom.stream.elements import UNDEFINED_LENGTH, TruncatedError
from dicomorph.dicom.stream.masked_range import MaskedRange
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.remarks import Remark

PIXEL_ELEMENTS = PIXELS | OFFSET_ELEMENTS
"""What is handled here: pixels, and what counts their bytes."""


class PixelData:
    """What becomes of the group of the pixel data in one file.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    window : Window
        Where it is read.
    is_anonymization : bool
        Whether nothing but the image may stay.
    """

    is_described = True
    """Whether `described_by` holds all that there are."""
    has_overlays = False
    """Whether there are groups that go, of overlays that may lie in the pixels."""
    remarks: frozenset[Remark] = frozenset()
    """What is to be said of the pixels."""
    encapsulated_size = 0
    """How many bytes the value of encapsulated pixel data has in the output, delimiter included."""
    _offsets: OffsetElements | None = None  # few images have them
    has_pixels = False
    """Whether pixel data were met that are not empty."""

    def __init__(self, data: DataSetBytes, window: Window, *, is_anonymization: bool) -> None:
        self._data = data
        self._encoding = data.encoding
        self._syntax = data.transfer_syntax
        self._window = window
        self._is_cleaned = is_anonymization
        self.described_by: dict[int, bytes] = {}
        """The elements of `IMAGE_PIXEL` that were met, as far as they are short."""

    def element(
        self, tag: int, vr: bytes, pos: int, value: int, length: int
    ) -> tuple[list[ScriptPart] | None, int]:
        """Return what becomes of an element, None if nothing changes; and where it ends.

        Raises
        ------
        BadFileFormatError
            If it does not fit into the file, or what may be hidden in it cannot be told from the image.
        """
        if length == UNDEFINED_LENGTH:
            self._check_is_first(tag)
            return self._encapsulated(tag, vr, pos, value)
        stop = value + length
        if stop > self._window.size:
            raise TruncatedError(f"{format_tag(tag)} is longer than the file")
        if not self._is_cleaned:
            return None, stop
        if tag in OFFSET_ELEMENTS:
            self._offsets = self._offsets or OffsetElements(self._window, self._encoding)
            self._offsets.add(tag, vr, pos, value, stop)
            return [], stop
        if length:
            self._check_is_first(tag)
        return self._defined(tag, vr, value, stop), stop

    def _check_is_first(self, tag: int) -> None:
        if self.has_pixels and self._is_cleaned:
            raise BadFileFormatError(f"{format_tag(tag)} stands beside other pixel data")
        self.has_pixels = True

    def _encapsulated(self, tag: int, vr: bytes, pos: int, value: int) -> tuple[list[ScriptPart] | None, int]:
        before: list[Part] = []
        if self._is_cleaned and tag != PIXEL_DATA:
            raise BadFileFormatError(f"{format_tag(tag)} cannot be in fragments")
        if self._is_cleaned:
            cleaned = clean(self._window, value, self._encoding, Cleaners(self._syntax, self._image))
            if cleaned.has_user_data:
                self.remarks = frozenset((Remark.VIDEO_USER_DATA,))
            parts, stop = cleaned.parts, cleaned.stop
            before = self._offsets.parts(cleaned) if self._offsets else []
        else:
            parts, stop = None, self._window.end_of_fragments(value, self._encoding.order)
        self.encapsulated_size = stop - value if parts is None else parts_size(parts)
        if not before and parts is None and vr != b"OW":
            return None, stop
        # PS3.5 A.4: encapsulated pixel data have the VR OB
        header = self._encoding.header(tag, b"OB", UNDEFINED_LENGTH) if vr == b"OW" else (pos, value)
        return [*before, header, *(parts or [(value, stop)])], stop

    def _defined(self, tag: int, vr: bytes, value: int, stop: int) -> list[ScriptPart] | None:
        """Return native pixel data, or a frame that lacks its item."""
        image, length, syntax = self._image(), stop - value, self._syntax
        is_plain = tag == PIXEL_DATA and not self.has_overlays and syntax in NATIVE_TRANSFER_SYNTAXES
        if is_plain and length == image.native_length:
            return None
        parts: Sequence[ScriptPart] | None = None
        if tag == PIXEL_DATA and not is_native(syntax, length, image):
            cleaners = Cleaners(syntax, lambda: image)
            parts = clean_bare(self._window, Fragment(value, stop), self._encoding, cleaners)
        if parts is None:
            if tag == PIXEL_DATA:
                check_may_be_native(syntax, length, image)
            parts = [self._native(tag, value, length_of_pixels(tag, length, image))]
        if parts == [(value, stop)]:
            return None
        return [self._encoding.header(tag, vr, parts_size(parts)), *parts]

    def _native(self, tag: int, start: int, length: int) -> ScriptPart:
        """Return native pixels without the overlays in them."""
        mask = mask_of_pixels(self._data) if self.has_overlays and tag == PIXEL_DATA else None
        return (start, start + length) if mask is None else MaskedRange(start, start + length, mask)

    def _image(self) -> ImagePixel:
        """Return what the image says of its pixels."""
        try:
            image = image_pixel_in(tuple(self.described_by.values()), self._encoding)
        except TruncatedError:  # the window ended there, or a value is longer than it should be
            self.is_described = False
        else:
            if self.is_described and image.frame_bits is not None:
                return image
        return image_pixel_of(read_values(self._data, IMAGE_PIXEL))
