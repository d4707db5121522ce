"""JPEG Lossless (ITU-T T.81 annex H): predicted from neighbours, by libjpeg-turbo."""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.jpeg_header import ADOBE, LOSSLESS, SCAN, checked_header, segments
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, PALETTE, Kinds
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import codestream_bits, declared_samples, decoded_samples

_PROCESSES: Final = frozenset({LOSSLESS})
_FEWEST_BITS: Final = 2
_KINDS: Final = Kinds(
    photometric=MONOCHROME | PALETTE | COLOUR,
    bits={8: range(1, 9), 16: range(1, 17)},
    colour_bits={8: range(1, 9), 16: range(1, 17)},
    signed_bits=range(1, 17),
)


class JpegLosslessCodec(Codec):
    """JPEG Lossless with one predictor for a whole image; all of them are decoded.

    Parameters
    ----------
    selection_value : int
        The predictor, from 1 to 7; 1 is the one that the transfer syntax .70 wants.
    """

    def __init__(self, selection_value: int) -> None:
        super().__init__(_KINDS, is_lossy=False)
        self._selection_value = selection_value

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a codestream with the bits stored; of signed samples, their whole two's complement."""
        del quality
        bits = _precision(pixels)
        samples = declared_samples(frame, pixels).view(f"u{pixels.dtype.itemsize}") & (1 << bits) - 1
        space = _space(pixels)
        encoded = imagecodecs.jpeg8_encode(
            np.ascontiguousarray(samples, np.uint8 if bits <= 8 else np.uint16),  # noqa: PLR2004 - bits of a byte
            colorspace=space,
            outcolorspace=space,
            lossless=True,
            predictor=self._selection_value,
            bitspersample=bits,
        )
        return _as_ycbcr(encoded) if pixels.photometric_interpretation.startswith("YBR") else bytes(encoded)

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return the samples; colours as they are encoded."""
        header = checked_header(data, pixels, _PROCESSES)
        space = _space(pixels)
        try:
            samples = imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace=space)
        except (ValueError, RuntimeError) as error:
            raise TranscodingError("A JPEG frame is damaged") from error
        return decoded_samples(samples, header.precision, pixels)


def _precision(pixels: Pixels) -> int:
    """Return the bits of a sample in the codestream: of signed ones all, for few decoders extend them."""
    return pixels.bits_allocated if pixels.is_signed else max(codestream_bits(pixels), _FEWEST_BITS)


def _space(pixels: Pixels) -> str:
    """Return the space of samples and of codestreams: as both are the same, nothing is converted."""
    return "RGB" if pixels.is_colour else "GRAYSCALE"


def _as_ycbcr(encoded: bytes | bytearray) -> bytes:
    """Return a codestream that was encoded as RGB without what calls it so: Adobe's segment and identifiers.

    When told of YCbCr, libjpeg-turbo 3.1 writes two Huffman tables, and scans that name only the first one.
    """
    written, adobe = bytearray(encoded), slice(0)
    for marker, start, stop in segments(encoded):
        if marker == ADOBE:
            adobe = slice(start - 4, stop)
        elif marker == LOSSLESS:
            written[start + 6 : stop : 3] = b"\1\2\3"
        elif marker == SCAN:
            written[start + 1 : start + 7 : 2] = b"\1\2\3"
    del written[adobe]
    return bytes(written)
