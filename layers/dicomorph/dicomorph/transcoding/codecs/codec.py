"""What a codec is: frames of one transfer syntax, encoded and decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dicomorph.transcoding.codecs.kinds import Kinds, without_subsampling
from dicomorph.transcoding.pixels import Pixels, Samples


class Codec(ABC):
    """Encodes and decodes single frames in one transfer syntax.

    It has no state: several threads may use it at the same time, and its long calls release the GIL.

    Parameters
    ----------
    kinds : Kinds
        The pixels that can be encoded.
    is_lossy : bool
        Whether encoding changes pixels.
    """

    planar_configuration = 0
    """PlanarConfiguration of colour images in this syntax."""

    def __init__(self, kinds: Kinds, *, is_lossy: bool) -> None:
        self._kinds = kinds
        self.is_lossy = is_lossy

    def check(self, pixels: Pixels) -> None:
        """Accept pixels that can be encoded.

        Raises
        ------
        TranscodingError
            If they cannot, with the attribute that is in the way.
        """
        self._kinds.check(pixels)

    def encoded_photometric(self, pixels: Pixels) -> str:
        """Return the PhotometricInterpretation of what `encode` makes of such pixels."""
        return without_subsampling(pixels.photometric_interpretation)

    def decoded_photometric(self, pixels: Pixels) -> str:
        """Return the PhotometricInterpretation of what `decode` returns for such encoded pixels."""
        return without_subsampling(pixels.photometric_interpretation)

    def encoded_bits_stored(self, pixels: Pixels) -> int:
        """Return the BitsStored of what `encode` makes of such pixels; HighBit is one less if it changes."""
        return pixels.bits_stored

    @abstractmethod
    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return a frame of `pixels.shape` and `pixels.dtype`, encoded.

        Parameters
        ----------
        frame : Samples
            In the photometric interpretation of `pixels`; YBR_FULL_422 with all samples, as YBR_FULL.
        pixels : Pixels
            What `check` accepts.
        quality : int
            From 1 to 100; lossless codecs do not look at it.

        Raises
        ------
        TranscodingError
            If a sample has bits above the high bit that are no copies of its sign.
        """

    @abstractmethod
    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return an encoded frame as an array of `pixels.shape` and `pixels.dtype`.

        Raises
        ------
        TranscodingError
            If it is damaged, or is not what `pixels` says.
        """
