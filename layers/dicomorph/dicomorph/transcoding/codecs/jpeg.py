"""JPEG Baseline and Extended (ITU-T T.81): lossy, 8 or 12 bits, by libjpeg-turbo."""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.jpeg_header import BASELINE, EXTENDED, checked_header, segments
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, Kinds
from dicomorph.transcoding.pixels import Pixels, Samples
from dicomorph.transcoding.samples import declared_samples, decoded_samples

_PROCESSES: Final = frozenset({BASELINE, EXTENDED})
_EIGHT, _TWELVE = 8, 12


class JpegCodec(Codec):
    """JPEG with the discrete cosine transform.

    Parameters
    ----------
    is_extended : bool
        Processes 2 and 4 with up to 12 bits, in place of process 1 with 8.
    """

    def __init__(self, *, is_extended: bool) -> None:
        self._is_extended = is_extended
        bits = {8: range(8, 9)} | ({16: range(9, 13)} if is_extended else {})
        kinds = Kinds(MONOCHROME | COLOUR, bits, {8: range(8, 9)}, signed_bits=range(0))
        super().__init__(kinds, is_lossy=True)

    def encoded_photometric(self, pixels: Pixels) -> str:
        """Return ``YBR_FULL_422`` for colour: YCbCr with half of the chrominance."""
        return "YBR_FULL_422" if pixels.is_colour else pixels.photometric_interpretation

    def decoded_photometric(self, pixels: Pixels) -> str:
        """Return ``RGB`` for colour."""
        return "RGB" if pixels.is_colour else pixels.photometric_interpretation

    def encoded_bits_stored(self, pixels: Pixels) -> int:
        """Return 8 or 12: transformed samples of 10 bits may come out with 11."""
        return _EIGHT if pixels.bits_stored == _EIGHT else _TWELVE

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a codestream; the quality is that of libjpeg."""
        bits = self.encoded_bits_stored(pixels)
        given = "GRAYSCALE"
        if pixels.is_colour:
            given = "RGB" if pixels.photometric_interpretation == "RGB" else "YCBCR"
        encoded = imagecodecs.jpeg8_encode(
            np.ascontiguousarray(declared_samples(frame, pixels)),
            quality,
            colorspace=given,
            outcolorspace="YCBCR" if pixels.is_colour else "GRAYSCALE",
            subsampling="422" if pixels.is_colour else None,
            bitspersample=bits,
        )
        return _extended(encoded) if self._is_extended else bytes(encoded)

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return the samples; colour as RGB, whether encoded in YCbCr or in RGB."""
        header = checked_header(data, pixels, _PROCESSES)
        given = wanted = "GRAYSCALE"
        if pixels.is_colour:
            given = "YCBCR" if header.is_ycbcr(pixels.photometric_interpretation) else "RGB"
            wanted = "RGB"
        try:
            samples = imagecodecs.jpeg8_decode(data, colorspace=given, outcolorspace=wanted)
        except (ValueError, RuntimeError) as error:
            raise TranscodingError("A JPEG frame is damaged") from error
        return decoded_samples(samples, header.precision, pixels)


def _extended(encoded: bytes | bytearray) -> bytes:
    """Name the extended process in the frame header, where the encoder found the baseline one enough."""
    written = bytearray(encoded)
    for marker, start, _ in segments(encoded):
        if marker == BASELINE:
            written[start - 3] = EXTENDED
    return bytes(written)
