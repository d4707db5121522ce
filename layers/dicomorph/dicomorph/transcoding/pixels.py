"""What a data set says of its pixels (PS3.3 C.7.6.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dicomorph.model.errors import TranscodingError

Samples = NDArray[Any]
"""A frame: (rows, columns), or (rows, columns, samples per pixel) where there are several samples."""


LARGEST_FRAME: Final = 1 << 27
"""Bytes of a decoded frame, at most: whoever uploads a file may claim 65535 x 65535 pixels in a few bytes.

OpenJPEG takes five times as much for bytes, since it calculates with 32 bits a sample.
"""


@dataclass(frozen=True, slots=True)
class Pixels:
    """The attributes of the module Image Pixel that describe how frames are encoded.

    Parameters
    ----------
    rows, columns : int
        Height and width of a frame.
    samples_per_pixel : int
        1, or 3 for colour.
    bits_allocated, bits_stored, high_bit : int
        Of a sample.
    is_signed : bool
        Whether PixelRepresentation is 1: two's complement.
    photometric_interpretation : str
        As it stands in the data set, such as ``YBR_FULL_422``.
    planar_configuration : int
        1 if native frames hold one colour after the other.
    number_of_frames : int
        At least 1.
    """

    rows: int
    columns: int
    samples_per_pixel: int = 1
    bits_allocated: int = 8
    bits_stored: int = 8
    high_bit: int = 7
    is_signed: bool = False
    photometric_interpretation: str = "MONOCHROME2"
    planar_configuration: int = 0
    number_of_frames: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array that holds a frame."""
        plane = (self.rows, self.columns)
        return plane if self.samples_per_pixel == 1 else (*plane, self.samples_per_pixel)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the array that holds a frame: 8, 16 or 32 bits, in the order of this machine."""
        return np.dtype(f"{'i' if self.is_signed else 'u'}{max(self.bits_allocated, 8) // 8}")

    @property
    def frame_size(self) -> int:
        """Bytes of the array that holds a frame."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def is_colour(self) -> bool:
        """Whether a pixel has several samples."""
        return self.samples_per_pixel > 1


def check_size(pixels: Pixels) -> None:
    """Accept frames that memory is given for.

    Raises
    ------
    TranscodingError
        If a decoded frame is larger than `LARGEST_FRAME`, or empty.
    """
    if not 0 < pixels.frame_size <= LARGEST_FRAME:
        raise TranscodingError("Frames are empty, or larger than 128 MB each")
