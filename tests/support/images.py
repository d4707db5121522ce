"""Small images for tests: what describes the pixels, and files with whatever stands for them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

import pydicom

from tests.dicom_factory import EXPLICIT, Element, encode, part10

PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00010, 0x7FE00008, 0x7FE00009
SIDE = 32
GREY: dict[str, Any] = {
    "Rows": SIDE,
    "Columns": SIDE,
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
    "PixelRepresentation": 0,
    "PixelData": bytes(n * n // 7 % 251 for n in range(SIDE * SIDE)),
}
"""The attributes of an image that every codec takes, by keyword."""
GREY_16: dict[str, Any] = {
    **GREY,
    "Columns": SIDE // 2,
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
}
"""The same of one that JPEG baseline does not take."""


@dataclass(frozen=True)
class Image:
    """What describes pixels."""

    rows: int = 16
    columns: int = 10
    bits: int = 16
    samples: int = 1
    frames: int = 1
    colours: str = "MONOCHROME2"
    stored: int = 0
    signed: int = 0

    def elements(self) -> list[Element]:
        stored = self.stored or self.bits
        return [
            Element(0x00280002, "US", self.samples),
            Element(0x00280004, "CS", self.colours),
            *([Element(0x00280008, "IS", str(self.frames))] if self.frames > 1 else []),
            Element(0x00280010, "US", self.rows),
            Element(0x00280011, "US", self.columns),
            Element(0x00280100, "US", self.bits),
            Element(0x00280101, "US", stored),
            Element(0x00280102, "US", stored - 1),
            Element(0x00280103, "US", self.signed),
        ]

    @property
    def frame_bits(self) -> int:
        return self.rows * self.columns * self.samples * self.bits

    @property
    def size(self) -> int:
        """Of native pixel data, not padded."""
        return ceil(self.frame_bits * self.frames / 8)

    def pixels(self, tail: bytes = b"") -> bytes:
        """Return native pixel data in which no two neighbours are alike, padded, and what is behind them."""
        found = bytes(n * 37 % 251 for n in range(self.size))
        return found + b"\0" * (len(found) % 2) + tail


def image_file(
    image: Image,
    value: bytes | None = None,
    *more: Element,
    tag: int = PIXEL_DATA,
    vr: str = "OW",
    syntax: str = EXPLICIT,
    undefined: bool = False,
) -> bytes:
    """Return a file with an image, its pixels as they are given, and other elements."""
    elements = {element.tag: element for element in (Element(0x00080018, "UI", "1.2.3"), *image.elements())}
    if value is not None:
        elements[tag] = Element(tag, vr, value, undefined=undefined)
    elements |= {element.tag: element for element in more}
    return part10(encode([elements[one] for one in sorted(elements)], syntax), syntax)


def pixels_of(data: bytes, tag: int = PIXEL_DATA) -> bytes:
    """Return the pixels of a file as pydicom reads them, whatever their VR."""
    value: bytes = pydicom.dcmread(BytesIO(data)).get_item(tag).value
    return value
