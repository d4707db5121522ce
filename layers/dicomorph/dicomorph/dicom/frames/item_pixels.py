"""Pixel data that stand in an item, such as those of an icon (PS3.3 C.7.6.1.1.6)."""

from __future__ import annotations

from dicomorph.dicom.frames.cleaners import Cleaners
from dicomorph.dicom.frames.encapsulated import clean, clean_bare
from dicomorph.dicom.frames.fragments import Fragment
from dicomorph.dicom.frames.image_pixel import (
    IMAGE_PIXEL,
    LONGEST_NUMBER,
    PIXELS,
    ImagePixel,
    image_pixel_of,
    value_of,
)
from dicomorph.dicom.frames.native import is_native, length_of_pixels
from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.standard.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from dicomorph.dicom.stream.edit_script import EditScript, Part
from dicomorph.dicom.stream.elements import Element, Encoding, read_element
from dicomorph.dicom.stream.source import Buffer, BufferSource
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError


def clean_in_item(buffer: Buffer, first: int, pos: int, end: int, encoding: Encoding) -> tuple[int, bytes]:
    """Return where pixel data in an item end, and what stays of the element when anonymizing.

    Parameters
    ----------
    buffer : bytes or mmap.mmap
        What holds the item.
    first, pos, end : int
        Where its elements begin, where the pixel data do, and where the item or the buffer ends.
    encoding : Encoding
        Of the item.

    Raises
    ------
    BadFileFormatError
        If what may be hidden in them cannot be told from the image.
    """
    image = _image_of(buffer, first, pos, encoding)
    found = read_element(buffer, pos, end, encoding)
    whole = buffer[pos : found.stop]
    window, value = Window(BufferSource(whole)), Fragment(found.value - pos, len(whole))
    parts = _cleaned(window, value, found, image, encoding)
    if parts is None or parts == [value]:
        return found.stop, whole
    script = EditScript.of(parts)
    header = whole[: value.start] if found.undefined else encoding.header(found.tag, found.vr, script.size)
    return found.stop, header + script.join(BufferSource(whole))


def _cleaned(
    window: Window, value: Fragment, found: Element, image: ImagePixel, encoding: Encoding
) -> list[Part] | None:
    cleaners = Cleaners("", lambda: image)  # what holds for the file need not hold for an icon
    if found.undefined:
        return clean(window, value.start, encoding, cleaners).parts
    length = value.stop - value.start
    if found.tag == PIXEL_DATA and not is_native(EXPLICIT_VR_LITTLE_ENDIAN, length, image):
        parts = clean_bare(window, value, encoding, cleaners)
        if parts is not None:
            return parts
    return [(value.start, value.start + length_of_pixels(found.tag, length, image))]


def _image_of(buffer: Buffer, first: int, pos: int, encoding: Encoding) -> ImagePixel:
    """Return what an item says of its pixels."""
    values: dict[int, int | str | None] = {}
    while first < pos:
        found = read_element(buffer, first, pos, encoding)
        if found.tag in PIXELS and found.value < found.stop:
            raise BadFileFormatError(f"{format_tag(found.tag)} stands beside other pixel data")
        if found.tag in IMAGE_PIXEL:
            raw = buffer[found.value : min(found.stop, found.value + LONGEST_NUMBER)]
            values.setdefault(found.tag, value_of(found.tag, found.vr, raw, encoding))
        first = found.stop
    return image_pixel_of(values)
