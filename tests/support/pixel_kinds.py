"""Images of each kind of pixels, smooth ones and noise, and the files that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.dicom_factory import BIG, EXPLICIT, Element
from tests.support.images import Image, image_file

PLANAR_CONFIGURATION, HIGH_BIT = 0x00280006, 0x00280102
ROWS, COLUMNS, FRAMES = 13, 18, 2


@dataclass(frozen=True)
class Kind:
    """A kind of pixels.

    Parameters
    ----------
    bits, stored, signed : int
        BitsAllocated, BitsStored, PixelRepresentation.
    samples : int
        SamplesPerPixel.
    colours : str
        PhotometricInterpretation.
    planar : int
        PlanarConfiguration.
    high : int or None
        HighBit, unless it follows from BitsStored.
    reach : tuple[int, int] or None
        The least and the greatest number in a cell, unless they follow from BitsStored.
    """

    bits: int = 8
    stored: int = 8
    signed: int = 0
    samples: int = 1
    colours: str = "MONOCHROME2"
    planar: int = 0
    high: int | None = None
    reach: tuple[int, int] | None = None

    def array(self, *, is_noise: bool = False) -> Any:
        """Return frames of numbers."""
        low, high = self.reach or (
            (-(1 << self.stored - 1), (1 << self.stored - 1) - 1)
            if self.signed
            else (0, (1 << self.stored) - 1)
        )
        shape = (FRAMES, ROWS, COLUMNS, *((self.samples,) if self.samples > 1 else ()))
        random = np.random.default_rng(7)
        if is_noise:
            found = random.integers(low, high, shape, endpoint=True)
        else:
            slope = np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) * (high - low) // (ROWS + COLUMNS)
            slope = slope.reshape(ROWS, COLUMNS, *(1,) * (self.samples > 1))
            found = np.clip(low + slope + random.integers(-2, 3, shape), low, high)
        return found.astype(f"<{'i' if self.signed else 'u'}{self.bits // 8}")

    def file(self, array: Any, syntax: str = EXPLICIT) -> bytes:
        """Return a file with these frames."""
        image = Image(
            ROWS,
            COLUMNS,
            bits=self.bits,
            stored=self.stored,
            signed=self.signed,
            samples=self.samples,
            colours=self.colours,
            frames=FRAMES,
        )
        value = (np.moveaxis(array, -1, 1) if self.planar else array).tobytes()
        if syntax == BIG and self.bits > 8:
            value = np.frombuffer(value, "<u2").byteswap().tobytes()
        more = [Element(PLANAR_CONFIGURATION, "US", self.planar)] if self.samples > 1 else []
        if self.high is not None:
            more.append(Element(HIGH_BIT, "US", self.high))
        return image_file(image, value, *more, vr="OB" if self.bits == 8 else "OW", syntax=syntax)


KINDS = {
    "8 bits": Kind(),
    "8 bits signed": Kind(signed=1),
    "7 of 8 bits": Kind(stored=7),
    "16 bits": Kind(16, 16),
    "16 bits signed": Kind(16, 16, 1),
    "12 bits": Kind(16, 12),
    "12 bits signed": Kind(16, 12, 1),
    "10 bits": Kind(16, 10),
    "RGB": Kind(samples=3, colours="RGB"),
    "RGB in planes": Kind(samples=3, colours="RGB", planar=1),
    "RGB of 16 bits": Kind(16, 16, samples=3, colours="RGB"),
    "YBR_FULL": Kind(samples=3, colours="YBR_FULL"),
    "palette": Kind(colours="PALETTE COLOR"),
    "palette of 16 bits": Kind(16, 16, colours="PALETTE COLOR"),
}
"""Kinds that every lossless codec takes."""

STRAY = {
    "12 bits at the top of 16": Kind(16, 12, high=15, reach=(0, 65535)),
    "12 bits and others above them": Kind(16, 12, reach=(0, 65535)),
    "12 bits signed and others above them": Kind(16, 12, 1, reach=(-32768, 32767)),
    "6 of 8 bits and others above them": Kind(stored=6, reach=(0, 255)),
}
"""Kinds whose cells have bits above those that are stored."""
