"""How many bytes the pixels of an image take, by the attributes that describe them (PS3.3 C.7.6.3)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.stream.elements import Encoding, read_element
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import scan

_SAMPLES_PER_PIXEL, _PHOTOMETRIC_INTERPRETATION, _NUMBER_OF_FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS, _BITS_ALLOCATED = 0x00280010, 0x00280011, 0x00280100

IMAGE_PIXEL: Final = frozenset(
    (
        *(_SAMPLES_PER_PIXEL, _PHOTOMETRIC_INTERPRETATION, _NUMBER_OF_FRAMES),
        *(_ROWS, _COLUMNS, _BITS_ALLOCATED),
    )
)
"""The attributes that the length of native pixel data follows from."""

FLOAT_PIXEL_DATA: Final = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA: Final = 0x7FE00009
_BITS: Final = {FLOAT_PIXEL_DATA: 32, DOUBLE_FLOAT_PIXEL_DATA: 64}  # PS3.3 C.7.6.24, C.7.6.25
PIXELS: Final = frozenset((PIXEL_DATA, *_BITS))
"""The attributes that hold pixels; an image has one of them."""

LONGEST_NUMBER: Final = 64  # bytes
_COLOURS = ("RGB", "YBR", "HSV")
_HALVED = ("YBR_FULL_422", "YBR_PARTIAL_422")  # two pixels share their colours (PS3.3 C.7.6.3.1.2)
_BYTE_ORDERS: Final[dict[str, Literal["little", "big"]]] = {"<": "little", ">": "big"}


@dataclass(frozen=True, kw_only=True)
class ImagePixel:
    """What an image says of its pixels, as far as their number follows from it.

    Parameters
    ----------
    rows, columns, bits : int, optional
        The last one is Bits Allocated. None if it is not known.
    samples, frames : int
        At least 1.
    is_halved : bool
        Whether two pixels share their colours in native pixel data.
    """

    rows: int | None = None
    columns: int | None = None
    bits: int | None = None
    samples: int = 1
    frames: int = 1
    is_halved: bool = False

    @functools.cached_property
    def plane(self) -> int | None:
        """How many pixels a frame has, None if it is not known."""
        return None if self.rows is None or self.columns is None else self.rows * self.columns

    @functools.cached_property
    def frame_bits(self) -> int | None:
        """How many bits a native frame takes, without padding; None if it is not known."""
        if self.plane is None or self.bits is None:
            return None
        return self.plane * self.bits * (2 if self.is_halved else self.samples)

    @functools.cached_property
    def native_length(self) -> int | None:
        """How many bytes native pixel data take, padded to an even length; None if it is not known.

        Frames follow each other to the bit (PS3.5 8.1.1).
        """
        return None if self.frame_bits is None else _even((self.frame_bits * self.frames + 7) // 8)

    def of_floats(self, tag: int) -> ImagePixel:
        """Return the same for another of `PIXELS`, whose samples have the size that its name says."""
        return self if tag == PIXEL_DATA else replace(self, bits=_BITS[tag], is_halved=False)


def image_pixel_of(values: Mapping[int, int | str | None]) -> ImagePixel:
    """Return what the values of `IMAGE_PIXEL` say; what cannot be read counts as absent."""
    colours = str(values.get(_PHOTOMETRIC_INTERPRETATION) or "")
    samples = _count(values, _SAMPLES_PER_PIXEL) or (3 if colours.startswith(_COLOURS) else 1)
    return ImagePixel(
        rows=_count(values, _ROWS),
        columns=_count(values, _COLUMNS),
        bits=_count(values, _BITS_ALLOCATED),
        samples=samples,
        frames=_count(values, _NUMBER_OF_FRAMES) or 1,
        is_halved=colours in _HALVED and samples == 3,  # noqa: PLR2004 - luminance and two colours
    )


@functools.lru_cache(maxsize=256)
def image_pixel_in(elements: tuple[bytes, ...], encoding: Encoding) -> ImagePixel:
    """Return what elements say, each with its header: the same ones for a whole series."""
    values: dict[int, int | str | None] = {}
    for whole in elements:
        element = read_element(whole, 0, len(whole), encoding)
        values[element.tag] = value_of(element.tag, element.vr, whole[element.value :], encoding)
    return image_pixel_of(values)


def read_values(data: DataSetBytes, wanted: frozenset[int]) -> dict[int, int | str | None]:
    """Return values at the top level, the first of each attribute."""
    values: dict[int, int | str | None] = {}
    for found in scan(data, wanted=wanted):
        raw = data.source.read(found.value, min(found.stop, found.value + LONGEST_NUMBER))
        values.setdefault(found.tag, value_of(found.tag, found.vr, raw, data.encoding))
    return values


def value_of(tag: int, vr: bytes, raw: bytes, encoding: Encoding) -> int | str | None:
    """Return a first value as a number where it is one, whatever VR it was sent with; None for none."""
    known = vr if vr not in (b"", b"UN") else vr_of(tag).encode()[:2]
    if known not in TEXT_VRS:
        size = 4 if known in (b"UL", b"SL") else 2
        return int.from_bytes(raw[:size], _BYTE_ORDERS[encoding.order]) if len(raw) >= size else None
    text = raw.decode("latin-1").partition("\\")[0].strip(" \0")
    try:
        return int(text)
    except ValueError:
        return text or None


def _count(values: Mapping[int, int | str | None], tag: int) -> int | None:
    found = values.get(tag)
    return max(found, 0) if isinstance(found, int) else None


def _even(length: int) -> int:
    return length + (length & 1)
