"""Samples as they are declared: which bits count, and what stands in the others (PS3.5 8.1.1)."""

from __future__ import annotations

import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.pixels import Pixels, Samples


def declared_samples(frame: Samples, pixels: Pixels) -> Samples:
    """Return a frame whose samples have the values that their stored bits say.

    A codec keeps the stored bits alone. Bits above the high bit may be zero, or repeat the sign of signed
    samples, which are returned with their sign repeated. Anything else is refused: it may be an overlay, or a
    value for padding, and nobody would notice that it is gone.

    Raises
    ------
    TranscodingError
        If other bits are set above the high bit.
    """
    bits = pixels.bits_stored
    lowest, highest = declared_range(pixels)
    if lowest <= int(frame.min()) and int(frame.max()) <= highest:
        return frame
    extended = _with_sign(frame, bits) if pixels.is_signed else frame & highest
    has_zeros_above = frame == extended & (1 << bits) - 1
    if np.all(has_zeros_above | (frame == extended)):
        return extended
    raise TranscodingError(
        "Samples have bits above the high bit, which this transfer syntax has no place for"
    )


def codestream_bits(pixels: Pixels) -> int:
    """Return the bits of a sample in a codestream: those stored, or as many as need the bytes allocated.

    Most decoders return the smallest type that holds the bits of the codestream, and readers that count on
    the allocated bytes then read beyond its end.
    """
    return max(pixels.bits_stored, pixels.bits_allocated // 2 + 1 if pixels.bits_allocated > 8 else 1)  # noqa: PLR2004 - a byte


def declared_range(pixels: Pixels) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits hold."""
    count = 1 << pixels.bits_stored
    return (-count // 2, count // 2 - 1) if pixels.is_signed else (0, count - 1)


def decoded_samples(samples: Samples, precision: int, pixels: Pixels) -> Samples:
    """Return the samples of a codestream in the type that the data set declares.

    Parameters
    ----------
    samples : Samples
        Signed or not, as the codestream says; JPEG and JPEG-LS know no signs.
    precision : int
        Bits of a sample in the codestream, at most as many as are allocated.
    pixels : Pixels
        Whose signedness counts, where the codestream has another.

    Raises
    ------
    TranscodingError
        If they are another frame than the header of the codestream had said.
    """
    if samples.shape != pixels.shape:
        raise TranscodingError("A frame is not what its own header says")
    typed = samples.astype(pixels.dtype, copy=False)
    if precision == pixels.dtype.itemsize * 8 or pixels.is_signed == (samples.dtype.kind == "i"):
        return np.ascontiguousarray(typed)
    return np.ascontiguousarray(
        _with_sign(typed, precision) if pixels.is_signed else typed & (1 << precision) - 1
    )


def _with_sign(samples: Samples, bits: int) -> Samples:
    """Return signed samples whose lowest bits count, with the sign repeated above them."""
    above = samples.dtype.itemsize * 8 - bits
    return np.right_shift(np.left_shift(samples, above), above)
