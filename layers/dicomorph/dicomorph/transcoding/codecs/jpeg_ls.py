"""JPEG-LS (ITU-T T.87): lossless and near-lossless, by CharLS."""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.jpeg_header import JPEG_LS, checked_header, segments
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, PALETTE, Kinds
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import declared_range, declared_samples, decoded_samples

_PROCESSES: Final = frozenset({JPEG_LS})
_HEADER: Final = 1024  # bytes, and more than all markers take
_GROWTH: Final = (
    5  # a code has up to four times the bits of its sample (T.87 A.5.3), and every eighth is stuffed
)


class JpegLsCodec(Codec):
    """JPEG-LS, colours interleaved by sample; all ways to interleave are decoded.

    Parameters
    ----------
    is_lossy : bool
        Near-lossless: no sample differs by more than a number that follows from the quality.
    """

    def __init__(self, *, is_lossy: bool) -> None:
        fewest = 4 if is_lossy else 2
        kinds = Kinds(
            photometric=MONOCHROME | COLOUR | (frozenset() if is_lossy else PALETTE),
            bits={8: range(fewest, 9), 16: range(fewest, 17)},
            colour_bits={8: range(fewest, 9), 16: range(fewest, 17)},
            signed_bits=range(fewest, 17),
        )
        super().__init__(kinds, is_lossy=is_lossy)

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a codestream with the bits that are allocated; of signed samples, their two's complement."""
        samples = declared_samples(frame, pixels)
        difference = largest_difference(quality, pixels) if self.is_lossy else 0
        if difference:
            samples = _away_from_ends(samples, pixels, difference)
        unsigned = np.ascontiguousarray(samples).view(f"u{pixels.dtype.itemsize}")
        room = np.empty(_GROWTH * unsigned.nbytes + _HEADER, np.uint8)  # memory taken when it is written to
        encoded = bytes(imagecodecs.jpegls_encode(unsigned, difference, out=room))  # type: ignore[arg-type] # any buffer
        start = next(start - 4 for marker, start, _ in segments(encoded) if marker == JPEG_LS)
        return encoded[:2] + encoded[start:]  # what stands between is SPIFF

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return the samples; colours as they are encoded."""
        header = checked_header(data, pixels, _PROCESSES)
        try:
            samples = imagecodecs.jpegls_decode(data)
        except (ValueError, RuntimeError) as error:
            raise TranscodingError("A JPEG-LS frame is damaged") from error
        return decoded_samples(samples, header.precision, pixels)


def _away_from_ends(samples: Samples, pixels: Pixels, difference: int) -> Samples:
    """Return samples that stay in their range however they differ: beyond its ends they would wrap around.

    The decoder itself keeps unsigned samples above 0, and below the end of the bits allocated.
    """
    lowest, highest = declared_range(pixels)
    if pixels.is_signed:
        return np.clip(samples, lowest + difference, highest - difference)
    return (
        samples if pixels.bits_stored == pixels.bits_allocated else np.minimum(samples, highest - difference)
    )


def largest_difference(quality: int, pixels: Pixels) -> int:
    """Return how far a sample may differ (the parameter NEAR); twice as far next to the ends of its range.

    0 at 100, one more for each ten less; four times that for more than 8 bits.
    """
    steps = -(-(100 - quality) // 10)
    if pixels.bits_stored <= 8:  # noqa: PLR2004 - bits of a byte
        return min(steps, (1 << pixels.bits_stored) // 8)
    return 4 * steps
