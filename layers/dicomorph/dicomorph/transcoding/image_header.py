"""What a file says of its pixels, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dicomorph.dicom.frames.fragments import Fragments
from dicomorph.dicom.frames.image_pixel import LONGEST_NUMBER, PIXELS, value_of
from dicomorph.dicom.frames.offset_elements import OFFSET_ELEMENTS
from dicomorph.dicom.frames.overlay_bits import is_bit_position
from dicomorph.dicom.standard.tags import PIXEL_REPRESENTATION
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.dicom.stream.elements import Element, IrregularError
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.pixels import Pixels

IMAGE_TYPE: Final = 0x00080008
DERIVATION_DESCRIPTION: Final = 0x00082111
DERIVATION_CODE_SEQUENCE: Final = 0x00089215
SAMPLES_PER_PIXEL: Final = 0x00280002
PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
PLANAR_CONFIGURATION: Final = 0x00280006
NUMBER_OF_FRAMES: Final = 0x00280008
ROWS: Final = 0x00280010
COLUMNS: Final = 0x00280011
BITS_ALLOCATED: Final = 0x00280100
BITS_STORED: Final = 0x00280101
HIGH_BIT: Final = 0x00280102
LOSSY_IMAGE_COMPRESSION_RATIO: Final = 0x00282112
LOSSY_IMAGE_COMPRESSION_METHOD: Final = 0x00282114

_WANTED: Final = (
    PIXELS
    | OFFSET_ELEMENTS
    | {
        *(IMAGE_TYPE, DERIVATION_DESCRIPTION, DERIVATION_CODE_SEQUENCE),
        *(SAMPLES_PER_PIXEL, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, NUMBER_OF_FRAMES),
        *(ROWS, COLUMNS, BITS_ALLOCATED, BITS_STORED, HIGH_BIT, PIXEL_REPRESENTATION),
        *(LOSSY_IMAGE_COMPRESSION_RATIO, LOSSY_IMAGE_COMPRESSION_METHOD),
    }
)
_LONGEST_TEXT: Final = 1 << 16  # bytes
_BITS_ALLOCATED: Final = frozenset((1, 8, 16, 32))
# PS3.3 C.7.6.3.1.2, retired ones included: how many samples each photometric interpretation has.
_SAMPLES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1),
    **dict.fromkeys(("RGB", "HSV", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"), 3),
    **dict.fromkeys(("YBR_ICT", "YBR_RCT", "XYB"), 3),
    **dict.fromkeys(("ARGB", "CMYK"), 4),
}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The elements at the top level of a file that a transcoding looks at.

    Parameters
    ----------
    data : DataSetBytes
        The data set, in the order of tags.
    elements : Mapping[int, Element]
        By tag, where they are in its source.
    """

    data: DataSetBytes
    elements: Mapping[int, Element]

    @classmethod
    def of(cls, data: DataSetBytes) -> ImageHeader:
        """Return the header of a file, whose elements may be out of order.

        Raises
        ------
        BadFileFormatError
            If its elements do not add up to the file.
        """
        try:
            return cls(data, _found_in(data))
        except IrregularError:
            data = in_order(data).data
            return cls(data, _found_in(data))

    def number(self, tag: int, default: int | None = None) -> int:
        """Return a first value; raise `TranscodingError` if it is none, or lacks and has no default."""
        element = self.elements.get(tag)
        raw = b"" if element is None else self.raw(tag, LONGEST_NUMBER)
        if element is None or not raw.strip(b" \0" if tag == NUMBER_OF_FRAMES else b""):
            if default is None:
                raise contradiction("an attribute that describes them is missing")
            return default
        value = value_of(tag, element.vr, raw, self.data.encoding)
        if not isinstance(value, int):
            raise contradiction("an attribute that describes them is no number")
        return value

    def text(self, tag: int) -> str:
        """Return a value as it stands, without what pads it; empty if it is absent."""
        return self.raw(tag, _LONGEST_TEXT).decode("latin-1").strip(" \0")

    def raw(self, tag: int, longest: int) -> bytes:
        """Return the bytes of a value, or as many as are wanted; none if it is absent."""
        element = self.elements.get(tag)
        if element is None:
            return b""
        return self.data.source.read(element.value, min(element.stop, element.value + longest))

    @property
    def is_native(self) -> bool:
        """Whether the pixels are native, in a transfer syntax that has them so."""
        return self.data.transfer_syntax in NATIVE_TRANSFER_SYNTAXES and not any(
            self.elements[tag].undefined for tag in PIXELS & self.elements.keys()
        )

    @property
    def has_pixels(self) -> bool:
        """Whether there is a pixel, or a fragment."""
        return any(self._is_filled(self.elements[tag]) for tag in PIXELS & self.elements.keys())

    @property
    def may_have_overlays_in_pixels(self) -> bool:
        """Whether a group of overlays says which bit it is in (60xx,0102)."""
        return any(is_bit_position(tag) for tag in self.elements)

    def pixels(self) -> Pixels:
        """Return what the header says of the pixels.

        Raises
        ------
        TranscodingError
            If it says too little, or contradicts itself.
        """
        samples, (allocated, stored, high) = self.number(SAMPLES_PER_PIXEL, 1), self._bits()
        return Pixels(
            rows=_positive(self.number(ROWS)),
            columns=_positive(self.number(COLUMNS)),
            samples_per_pixel=samples,
            bits_allocated=allocated,
            bits_stored=stored,
            high_bit=high,
            is_signed=_either(self.number(PIXEL_REPRESENTATION, 0)),
            photometric_interpretation=self._photometric_interpretation(samples),
            planar_configuration=int(_either(self.number(PLANAR_CONFIGURATION, 0))) if samples > 1 else 0,
            number_of_frames=_positive(self.number(NUMBER_OF_FRAMES, 1)),
        )

    def _bits(self) -> tuple[int, int, int]:
        """Return how many are allocated and stored, and the high bit."""
        allocated = self.number(BITS_ALLOCATED)
        stored = self.number(BITS_STORED, allocated)
        high = self.number(HIGH_BIT, stored - 1)
        if allocated not in _BITS_ALLOCATED or not 0 < stored <= high + 1 <= allocated:
            raise contradiction("their bits do not add up")
        return allocated, stored, high

    def _is_filled(self, element: Element) -> bool:
        if not element.undefined:
            return element.value < element.stop
        window = Window(self.data.source, element.value)
        fragments = Fragments(window, element.value, self.data.encoding.order)
        fragments.take()
        return fragments.peek() is not None

    def _photometric_interpretation(self, samples: int) -> str:
        found = self.text(PHOTOMETRIC_INTERPRETATION).partition("\\")[0].strip(" \0")
        if not found and samples == 1:
            return "MONOCHROME2"
        if _SAMPLES.get(found) != samples:
            raise contradiction("the samples per pixel are not those of the photometric interpretation")
        return found


def contradiction(what: str) -> TranscodingError:
    """Return the error for pixels that are not as their attributes say."""
    return TranscodingError(f"The pixels cannot be read: {what}")


def _found_in(data: DataSetBytes) -> dict[int, Element]:
    return {
        found.tag: found for found in scan_whole(data) if found.tag in _WANTED or is_bit_position(found.tag)
    }


def _positive(number: int) -> int:
    if number < 1:
        raise contradiction("there are none of them")
    return number


def _either(number: int) -> bool:
    if number not in (0, 1):
        raise contradiction("an attribute that describes them has an unknown value")
    return number == 1
