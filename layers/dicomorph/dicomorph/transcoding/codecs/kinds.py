"""Which kinds of pixels a transfer syntax takes (PS3.5 8.2): what codecs declare, and how it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.pixels import Pixels, check_size

MONOCHROME: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE: Final = frozenset({"PALETTE COLOR"})
COLOUR: Final = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422"})
"""What frames in colour come as; those of YBR_FULL_422 with as many samples of each colour, as YBR_FULL."""

_INDEX = 16  # bits of an index into a palette (PS3.3 C.7.6.3.1.5)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of pixels that can be encoded.

    Parameters
    ----------
    photometric : frozenset[str]
        Photometric interpretations.
    bits : dict[int, range]
        BitsStored, by BitsAllocated.
    colour_bits : dict[int, range]
        The same for images with three samples per pixel.
    signed_bits : range
        BitsStored of signed samples, which have neither colours nor a palette.
    takes_any_high_bit : bool
        Whether HighBit may be other than BitsStored - 1.
    """

    photometric: frozenset[str]
    bits: dict[int, range]
    colour_bits: dict[int, range]
    signed_bits: range
    takes_any_high_bit: bool = False

    def check(self, pixels: Pixels) -> None:
        """Accept pixels that can be encoded.

        Raises
        ------
        TranscodingError
            If they cannot, or frames are too large, with the attribute that is in the way.
        """
        check_size(pixels)
        if reason := self._obstacle(pixels):
            raise TranscodingError(f"The transfer syntax does not take these pixels: {reason}")

    def _obstacle(self, pixels: Pixels) -> str:
        """Return what is in the way, nothing if all is well."""
        is_colour = pixels.photometric_interpretation in COLOUR
        is_palette = pixels.photometric_interpretation in PALETTE
        bits = self.colour_bits if is_colour else self.bits
        obstacles = {
            "PhotometricInterpretation": pixels.photometric_interpretation not in self.photometric,
            "SamplesPerPixel": pixels.samples_per_pixel != (3 if is_colour else 1),
            "BitsAllocated": pixels.bits_allocated not in bits
            or (is_palette and pixels.bits_allocated > _INDEX),
            "BitsStored": pixels.bits_stored not in bits.get(pixels.bits_allocated, ()),
            "HighBit": pixels.high_bit != pixels.bits_stored - 1 and not self.takes_any_high_bit,
            "PixelRepresentation": pixels.is_signed
            and (is_colour or is_palette or pixels.bits_stored not in self.signed_bits),
        }
        return next((name for name, stands_in_the_way in obstacles.items() if stands_in_the_way), "")


def without_subsampling(photometric_interpretation: str) -> str:
    """Return the photometric interpretation of frames that have as many samples of each colour."""
    return "YBR_FULL" if photometric_interpretation == "YBR_FULL_422" else photometric_interpretation
