"""The frames of native pixel data, one after the other (PS3.5 8.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from dicomorph.dicom.recoding.words import swapped
from dicomorph.dicom.standard.tags import PIXEL_DATA
from dicomorph.dicom.stream.elements import Element
from dicomorph.transcoding.arrays import bits_of, cells_of, unhalved
from dicomorph.transcoding.image_header import ImageHeader, contradiction
from dicomorph.transcoding.pixels import Pixels, Samples

_HALVED: Final = "YBR_FULL_422"
_WORD: Final = 2  # bytes, of OW
_FULL: Final = "YBR_FULL"


class NativeFrames:
    """The frames of native pixel data.

    Parameters
    ----------
    header : ImageHeader
        Of an image whose pixel data have a defined length.

    Raises
    ------
    TranscodingError
        If the pixel data are not as long as the header says, or nothing is known of their kind.
    """

    def __init__(self, header: ImageHeader) -> None:
        pixels = header.pixels()
        self._source = header.data.source
        self._element = header.elements[PIXEL_DATA]
        # In big endian, words are swapped, and OB is no word (PS3.5 A.3).
        self._swaps = header.data.encoding.order == ">" and self._element.vr == b"OW"
        colours = pixels.photometric_interpretation
        # Many decompressed images say that pixels share their colours all the same.
        self._is_halved = colours == _HALVED and not self._holds(pixels, pixels.samples_per_pixel)
        samples = 2 if self._is_halved else pixels.samples_per_pixel
        self._check(pixels, samples)
        self._frame_bits = pixels.rows * pixels.columns * samples * pixels.bits_allocated
        self._stored = pixels
        self.pixels = replace(
            pixels,
            photometric_interpretation=_FULL if colours == _HALVED else colours,
            planar_configuration=0,
        )
        """Of the frames as arrays."""

    def __iter__(self) -> Iterator[Callable[[], Samples]]:
        """Yield the frames: they are read at once, and decoded when they are called."""
        for number in range(self._stored.number_of_frames):
            first, last = self._frame_bits * number, self._frame_bits * (number + 1)
            yield partial(self._decoded, self._read(first // 8, -(-last // 8)), first % 8)

    def _decoded(self, raw: bytes, skipped: int) -> Samples:
        if self._stored.bits_allocated == 1:
            return bits_of(raw, skipped, self._stored)
        return unhalved(raw, self._stored) if self._is_halved else cells_of(raw, self._stored)

    def _read(self, start: int, stop: int) -> bytes:
        """Return bytes of the value as they are in little endian."""
        first = start - start % 2 if self._swaps else start
        last = stop + stop % 2 if self._swaps else stop
        at = self._element.value
        raw = self._source.read(at + first, min(at + last, self._element.stop))
        return swapped(raw, _WORD)[start - first : stop - first] if self._swaps else raw

    def _holds(self, pixels: Pixels, samples: int) -> bool:
        """Tell whether the value is as long as frames with so many samples are, or a byte longer."""
        return 0 <= length_of(self._element) - _length(pixels, samples) <= 1

    def _check(self, pixels: Pixels, samples: int) -> None:
        length, needed = length_of(self._element), _length(pixels, samples)
        if length < needed or length - needed >= max(needed // pixels.number_of_frames, 2):
            raise contradiction("there are more or fewer bytes than the image needs")
        if self._is_halved and pixels.columns % 2:
            raise contradiction("two pixels share their colours, and their number is odd")


def length_of(element: Element) -> int:
    """Return how long a value is."""
    return element.stop - element.value


def _length(pixels: Pixels, samples: int) -> int:
    """Return how many bytes all frames take, without padding; they follow each other to the bit."""
    plane = pixels.rows * pixels.columns * samples
    return -(-plane * pixels.bits_allocated * pixels.number_of_frames // 8)
