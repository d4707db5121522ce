"""High-Throughput JPEG 2000 (ITU-T T.814): reversible and not, encoded by OpenJPH."""

from __future__ import annotations

import math
from typing import Final

import imagecodecs
import numpy as np

from dicomorph.transcoding.codecs.jpeg_2000 import Jpeg2000Codec
from dicomorph.transcoding.codecs.jpeg_2000_header import segments
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, PALETTE, Kinds
from dicomorph.transcoding.codecs.quality import relative_error, value_range
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import codestream_bits, declared_samples

_BASE_RESOLUTION: Final = 64  # pixels of a side, at most (PS3.5 8.2.14)
_FEWEST_LEVELS: Final = 5
_DEPTHS: Final = 42  # where SIZ has the bits of the first component
_QCD: Final = 0x5C


class Htj2kCodec(Jpeg2000Codec):
    """HTJ2K in one tile, by resolution (RPCL) and with TLM, as the transfer syntax .202 wants and others may.

    Up to 16 bits, more are read by few decoders; lossy, not 9 (`_with_precision`). Decoded by OpenJPEG: over
    damage, OpenJPH only prints an error when imagecodecs calls it, and samples that overshoot their range
    wrap around.

    Parameters
    ----------
    is_lossy : bool
        With the irreversible wavelet transform, and steps that follow from the quality.
    """

    def __init__(self, *, is_lossy: bool) -> None:
        super().__init__(is_lossy=is_lossy)
        self._kinds = Kinds(
            photometric=MONOCHROME | COLOUR | (frozenset() if is_lossy else PALETTE),
            bits={8: range(2, 9), 16: range(10, 17)} if is_lossy else {8: range(1, 9), 16: range(1, 17)},
            colour_bits={8: range(2, 9), 16: range(10 if is_lossy else 2, 17)},
            signed_bits=range(1, 17),
        )

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a codestream with as many bits as are stored."""
        samples = declared_samples(frame, pixels)
        bits, allocated = codestream_bits(pixels), pixels.bits_allocated
        if not pixels.is_signed:  # the level that the decoder will shift by follows from the bits it is told
            samples = samples + samples.dtype.type((1 << allocated - 1) - (1 << bits - 1))
        encoded = imagecodecs.htj2k_encode(
            np.ascontiguousarray(samples),
            _step(samples, allocated, quality) if self.is_lossy else None,
            rgb=pixels.photometric_interpretation == "RGB",
            resolutions=_levels(pixels),
            reversible=not self.is_lossy,
            tlm=True,
        )
        return _with_precision(bytes(encoded), pixels, is_lossy=self.is_lossy)


def _step(samples: Samples, allocated: int, quality: int) -> float:
    """Return the step of quantization, as a part of what the allocated bits allow.

    Its error is evenly distributed: its root mean square is the step by the root of twelve.
    """
    return math.sqrt(12) * relative_error(quality) * value_range(samples) / (1 << allocated)


def _levels(pixels: Pixels) -> int:
    """Return how often the image is halved."""
    return max(_FEWEST_LEVELS, math.ceil(math.log2(max(pixels.rows, pixels.columns) / _BASE_RESOLUTION)))


def _with_precision(encoded: bytes, pixels: Pixels, *, is_lossy: bool) -> bytes:
    """Declare the bits of samples, where the encoder only knows those of its input.

    Steps are relative to the precision: their exponents count as many bits less, and guard bits as many more,
    up to 7, so that there still are as many bitplanes (T.800 E.1 and E.2).
    """
    surplus = pixels.bits_allocated - codestream_bits(pixels)
    if not surplus:
        return encoded
    written = bytearray(encoded)
    depth = codestream_bits(pixels) - 1 | (0x80 if pixels.is_signed else 0)
    written[_DEPTHS : _DEPTHS + 3 * pixels.samples_per_pixel : 3] = bytes([depth] * pixels.samples_per_pixel)
    if is_lossy:
        start, stop = next(place for marker, *place in segments(encoded, 2) if marker == _QCD)
        written[start] += surplus << 5
        for position in range(start + 1, stop, 2):
            written[position] -= surplus << 3
    return bytes(written)
