"""Frames in the codestreams of a transfer syntax."""

from __future__ import annotations

from dataclasses import replace

from dicomorph.dicom.frames.overlay_bits import mask_of_pixels
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import Codec
from dicomorph.transcoding.image_header import ImageHeader
from dicomorph.transcoding.pixels import Pixels, Samples


class CodecWriting:
    """How decoded frames are encoded.

    Samples that use more bits than are said to be stored lose none of them: those frames are encoded
    with all bits that are allocated, as other implementations do.

    Parameters
    ----------
    header : ImageHeader
        Of the source.
    pixels : Pixels
        Of the decoded frames.
    codec : Codec
        Of the transfer syntax.
    quality : int
        From 1 to 100, for lossy codecs.

    Raises
    ------
    TranscodingError
        If the codec does not take such pixels, or overlays lie in bits of theirs: who removes overlays
        from a file must be able to remove those bits.
    """

    def __init__(self, header: ImageHeader, pixels: Pixels, codec: Codec, quality: int) -> None:
        if header.may_have_overlays_in_pixels and mask_of_pixels(header.data):
            raise TranscodingError("Overlays lie in bits of the pixels, where no codec leaves them")
        self._codec = codec
        self._quality = quality
        allocated = pixels.bits_allocated
        self._whole_cells = replace(pixels, bits_stored=allocated, high_bit=allocated - 1)
        is_usual = codec.is_lossy or pixels.high_bit == pixels.bits_stored - 1
        self._pixels = pixels if is_usual else self._whole_cells
        codec.check(self._pixels)
        self.written = replace(
            pixels,
            photometric_interpretation=codec.encoded_photometric(self._pixels),
            planar_configuration=codec.planar_configuration if pixels.is_colour else 0,
        )
        """What is to be said of the product."""
        bits = codec.encoded_bits_stored(self._pixels)
        if bits != self._pixels.bits_stored:
            self.written = replace(self.written, bits_stored=bits, high_bit=bits - 1)

    def encoded(self, frame: Samples) -> bytes:
        """Return the codestream of a frame.

        Raises
        ------
        TranscodingError
            If a sample has more bits than the codec takes.
        """
        try:
            return self._codec.encode(frame, self._pixels, self._quality)
        except TranscodingError:
            if self._codec.is_lossy or self._pixels == self._whole_cells:
                raise
        self._codec.check(self._whole_cells)
        return self._codec.encode(frame, self._whole_cells, self._quality)
