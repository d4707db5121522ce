"""JPEG 2000 (ITU-T T.800): reversible and not, by OpenJPEG."""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.jpeg_2000_header import checked_codestream
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, PALETTE, Kinds
from dicomorph.transcoding.codecs.quality import decibels, relative_error, value_range
from dicomorph.transcoding.in_order import cores
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import codestream_bits, declared_samples, decoded_samples

_MOST_BITS: Final = 24  # OpenJPEG calculates with 32, and loses some beyond
_TRANSFORMED: Final = frozenset({"YBR_RCT", "YBR_ICT"})


class Jpeg2000Codec(Codec):
    """JPEG 2000 in one tile and one layer: up to 24 bits in grey, 16 in colour (PS3.5 8.2.4).

    Parameters
    ----------
    is_lossy : bool
        With the irreversible wavelet transform, and an error that follows from the quality.
    """

    def __init__(self, *, is_lossy: bool) -> None:
        fewest = 9 if is_lossy else 1  # `codestream_bits`, which lossy samples would use to the full
        kinds = Kinds(
            photometric=MONOCHROME | COLOUR | (frozenset() if is_lossy else PALETTE),
            bits={8: range(1, 9), 16: range(fewest, 17), 32: range(2 * fewest - 1, _MOST_BITS + 1)},
            colour_bits={8: range(2, 9), 16: range(max(fewest, 2), 17)},
            signed_bits=range(1, _MOST_BITS + 1),
        )
        super().__init__(kinds, is_lossy=is_lossy)

    def encoded_photometric(self, pixels: Pixels) -> str:
        """Return the transform of components for RGB; YBR_FULL stays."""
        if pixels.photometric_interpretation == "RGB":
            return "YBR_ICT" if self.is_lossy else "YBR_RCT"
        return super().encoded_photometric(pixels)

    def decoded_photometric(self, pixels: Pixels) -> str:
        """Return ``RGB`` where components were transformed (PS3.5 8.2.4); others stay."""
        if pixels.photometric_interpretation in _TRANSFORMED:
            return "RGB"
        return super().decoded_photometric(pixels)

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a codestream with as many bits as are stored."""
        samples = declared_samples(frame, pixels)
        encoded = imagecodecs.jpeg2k_encode(
            np.ascontiguousarray(samples),
            _signal_to_noise(samples, pixels, quality) if self.is_lossy else None,
            codecformat="J2K",
            reversible=not self.is_lossy,
            mct=pixels.photometric_interpretation == "RGB",
            bitspersample=codestream_bits(pixels),
            numthreads=_threads(pixels),
        )
        return bytes(encoded)

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return the samples; of colour, what was transformed when it was encoded."""
        codestream, header = checked_codestream(data, pixels)
        try:
            samples = imagecodecs.jpeg2k_decode(codestream, planar=False, numthreads=_threads(pixels))
        except (ValueError, RuntimeError) as error:
            raise TranscodingError("A JPEG 2000 frame is damaged") from error
        return decoded_samples(samples, header.precision, pixels)


def _threads(pixels: Pixels) -> int:
    """Return how many threads work on a frame: all cores if there is no other one; the bytes are the same."""
    return cores() if pixels.number_of_frames == 1 else 1


def _signal_to_noise(samples: Samples, pixels: Pixels, quality: int) -> int:
    """Return the ratio in dB that OpenJPEG wants, which counts from what the stored bits allow."""
    allowed = (1 << pixels.bits_stored) - 1
    return round(decibels(allowed / (value_range(samples) * relative_error(quality))))
