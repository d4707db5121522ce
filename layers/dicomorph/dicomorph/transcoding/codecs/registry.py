"""Which codec a transfer syntax has (PS3.5 A.4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Final, Protocol

from dicomorph.transcoding.codecs.htj2k import Htj2kCodec
from dicomorph.transcoding.codecs.jpeg import JpegCodec
from dicomorph.transcoding.codecs.jpeg_2000 import Jpeg2000Codec
from dicomorph.transcoding.codecs.jpeg_lossless import JpegLosslessCodec
from dicomorph.transcoding.codecs.jpeg_ls import JpegLsCodec
from dicomorph.transcoding.codecs.rle import RleCodec
from dicomorph.transcoding.pixels import Pixels, Samples


class Codec(Protocol):
    """Encodes and decodes single frames in one transfer syntax.

    A codec has no state: several threads may use it at the same time, and its long calls release the GIL.
    """

    @property
    def is_lossy(self) -> bool:
        """Whether encoding changes pixels."""

    @property
    def planar_configuration(self) -> int:
        """PlanarConfiguration of colour images in this syntax."""

    def check(self, pixels: Pixels) -> None:
        """Raise TranscodingError if such pixels cannot be encoded."""

    def encoded_photometric(self, pixels: Pixels) -> str:
        """Return the PhotometricInterpretation of what `encode` makes of such pixels."""

    def decoded_photometric(self, pixels: Pixels) -> str:
        """Return the PhotometricInterpretation of what `decode` returns for such encoded pixels."""

    def encoded_bits_stored(self, pixels: Pixels) -> int:
        """Return the BitsStored of what `encode` makes of such pixels; HighBit is one less."""

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a frame of `pixels.shape` and `pixels.dtype`, encoded.

        Parameters
        ----------
        frame : Samples
            In the photometric interpretation that the pixels have before they are encoded.
        pixels : Pixels
            What `check` accepts.
        quality : int
            From 1 to 100; lossless codecs do not look at it.

        Raises
        ------
        TranscodingError
            If a sample has bits above the high bit that are no copies of its sign.
        """

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return an encoded frame as an array of `pixels.shape` and `pixels.dtype`.

        Raises
        ------
        TranscodingError
            If it is damaged, or is not what `pixels` says.
        """


_CODECS: Final[dict[str, Callable[[], Codec]]] = {
    "1.2.840.10008.1.2.4.50": partial(JpegCodec, is_extended=False),
    "1.2.840.10008.1.2.4.51": partial(JpegCodec, is_extended=True),
    "1.2.840.10008.1.2.4.57": partial(JpegLosslessCodec, selection_value=1),
    "1.2.840.10008.1.2.4.70": partial(JpegLosslessCodec, selection_value=1),
    "1.2.840.10008.1.2.4.80": partial(JpegLsCodec, is_lossy=False),
    "1.2.840.10008.1.2.4.81": partial(JpegLsCodec, is_lossy=True),
    "1.2.840.10008.1.2.4.90": partial(Jpeg2000Codec, is_lossy=False),
    "1.2.840.10008.1.2.4.91": partial(Jpeg2000Codec, is_lossy=True),
    "1.2.840.10008.1.2.4.201": partial(Htj2kCodec, is_lossy=False),
    "1.2.840.10008.1.2.4.202": partial(Htj2kCodec, is_lossy=False),
    "1.2.840.10008.1.2.4.203": partial(Htj2kCodec, is_lossy=True),
    "1.2.840.10008.1.2.5": RleCodec,
}
SYNTAXES: Final = tuple(_CODECS)
"""Transfer syntaxes that have a codec."""


@cache
def codec_of(transfer_syntax: str) -> Codec | None:
    """Return the codec of a transfer syntax, None for a native or an unknown one."""
    make = _CODECS.get(transfer_syntax)
    return make() if make else None
