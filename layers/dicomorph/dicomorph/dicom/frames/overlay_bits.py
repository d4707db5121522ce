"""Overlays in bits of native pixels that are no part of the samples (retired; PS3.5-2004 8.1.2).

The group of such an overlay says which bit it is in, and has no data of its own. It goes when
anonymizing, and with it all that tells a reader of the plane: so the bits have to go, too.
"""

from __future__ import annotations

from typing import Final, Literal

from dicomorph.dicom.frames.image_pixel import LONGEST_NUMBER, value_of
from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.masked_range import BitMask
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan

_OVERLAY, _REPEATS = 0x60000000, 0xFF010000  # even groups from 6000 on, and the bits that tell them
_BIT_POSITION, _OVERLAY_DATA = 0x0102, 0x3000
_BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _REPRESENTATION = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_IMAGE: Final = frozenset((_BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _REPRESENTATION))
_WHOLE_BYTES: Final = frozenset((8, 16, 32, 64))
_BYTE_ORDERS: Final[dict[str, Literal["little", "big"]]] = {"<": "little", ">": "big"}


def is_bit_position(tag: int) -> bool:
    """Tell whether an attribute is Overlay Bit Position (60xx,0102)."""
    return tag & 0xFFFF == _BIT_POSITION and tag & _REPEATS == _OVERLAY


def mask_of_pixels(data: DataSetBytes) -> BitMask | None:
    """Return what stays of each sample where overlays lie above it in the same cell; None if none does.

    A sample that is signed fills the bits above with its sign, as readers expect that take the
    whole cell for a number.
    """
    image, overlays = _numbers(data)
    allocated = image.get(_BITS_ALLOCATED, 0)
    high = image.get(_HIGH_BIT, image.get(_BITS_STORED, allocated) - 1)
    if allocated not in _WHOLE_BYTES or not any(high < position < allocated for position in overlays):
        return None
    sign = 1 << high if image.get(_REPRESENTATION) == 1 else 0
    return BitMask(allocated // 8, _BYTE_ORDERS[data.encoding.order], (2 << high) - 1, sign)


def _numbers(data: DataSetBytes) -> tuple[dict[int, int], list[int]]:
    """Return what describes samples, and the bits that overlays without data are in."""
    numbers: dict[int, int] = {}
    with_data: set[int] = set()
    for found in scan(data, last=PIXEL_DATA - 1):
        if found.tag in _IMAGE or is_bit_position(found.tag):
            raw = data.source.read(found.value, min(found.stop, found.value + LONGEST_NUMBER))
            number = value_of(found.tag, found.vr, raw, data.encoding)
            if isinstance(number, int):
                numbers.setdefault(found.tag, number)
        elif found.tag & 0xFFFF == _OVERLAY_DATA and found.value < found.stop:
            with_data.add(found.tag >> 16)
    positions = [
        number for tag, number in numbers.items() if is_bit_position(tag) and tag >> 16 not in with_data
    ]
    return numbers, positions
