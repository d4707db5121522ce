"""JPEG 2000 (ITU-T T.800): reversible and not, by OpenJPEG."""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.jpeg_2000_header import Jpeg2000Header, checked_codestream
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, PALETTE, Kinds, without_subsampling
from dicomorph.transcoding.codecs.quality import decibels, relative_error, value_range
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import codestream_bits, declared_samples, decoded_samples

_MOST_BITS: Final = 24  # OpenJPEG calculates with 32, and loses some beyond
_TRANSFORMED: Final = frozenset({"YBR_RCT", "YBR_ICT"})


def decoded_colours(photometric_interpretation: str) -> str:
    """Return what colours are when the transform of components is undone (PS3.5 8.2.4)."""
    return (
        "RGB"
        if photometric_interpretation in _TRANSFORMED
        else without_subsampling(photometric_interpretation)
    )


def decode_with_openjpeg(codestream: bytes, header: Jpeg2000Header, pixels: Pixels) -> Samples:
    """Return the samples of a codestream, HTJ2K too, of at most 16 bits then.

    Raises
    ------
    TranscodingError
        If it is damaged.
    """
    try:
        samples = imagecodecs.jpeg2k_decode(codestream, planar=False)
    except (ValueError, RuntimeError) as error:
        raise TranscodingError("A JPEG 2000 frame is damaged") from error
    return decoded_samples(samples.reshape(pixels.shape), header.precision, pixels)


class Jpeg2000Codec:
    """JPEG 2000 in one tile and one layer.

    Parameters
    ----------
    is_lossy : bool
        With the irreversible wavelet transform, and an error that follows from the quality.
    """

    planar_configuration = 0

    def __init__(self, *, is_lossy: bool) -> None:
        self.is_lossy = is_lossy
        fewest = 9 if is_lossy else 1  # `codestream_bits`, which lossy samples would use to the full
        self._kinds = Kinds(
            photometric=MONOCHROME | COLOUR | (frozenset() if is_lossy else PALETTE),
            bits={8: range(1, 9), 16: range(fewest, 17), 32: range(2 * fewest - 1, _MOST_BITS + 1)},
            colour_bits={8: range(2, 9), 16: range(max(fewest, 2), 17)},
            signed_bits=range(1, _MOST_BITS + 1),
        )

    def check(self, pixels: Pixels) -> None:
        """Accept up to 24 bits in grey, 16 in colour (PS3.5 8.2.4)."""
        self._kinds.check(pixels)

    def encoded_photometric(self, pixels: Pixels) -> str:
        """Return the transform of components for RGB; YBR_FULL stays."""
        if pixels.photometric_interpretation == "RGB":
            return "YBR_ICT" if self.is_lossy else "YBR_RCT"
        return without_subsampling(pixels.photometric_interpretation)

    def decoded_photometric(self, pixels: Pixels) -> str:
        """Return ``RGB`` where components were transformed; others stay."""
        return decoded_colours(pixels.photometric_interpretation)

    def encoded_bits_stored(self, pixels: Pixels) -> int:
        """Return BitsStored unchanged."""
        return pixels.bits_stored

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
        )
        return bytes(encoded)

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return the samples; of colour, what was transformed when it was encoded."""
        return decode_with_openjpeg(*checked_codestream(data, pixels), pixels)


def _signal_to_noise(samples: Samples, pixels: Pixels, quality: int) -> int:
    """Return the ratio in dB that OpenJPEG wants, which counts from what the stored bits allow."""
    allowed = (1 << pixels.bits_stored) - 1
    return round(decibels(allowed / (value_range(samples) * relative_error(quality))))
