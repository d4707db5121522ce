"""What a lossy quality from 1 to 100 means, where a codec has no scale of its own."""

from __future__ import annotations

import math

from dicomorph.transcoding.pixels import Samples


def relative_error(quality: int) -> float:
    """Return the error (root mean square) as a part of the range of a frame's values.

    30 dB below the range at the lowest quality, 55 dB at the highest: 8 and 0.5 grey levels of 256.
    """
    return float(10 ** (-(30 + quality / 4) / 20))


def value_range(frame: Samples) -> int:
    """Return how far the values of a frame lie apart, at least 1.

    It counts in place of what BitsStored allows: 16 stored bits often hold values of 12.
    """
    return max(1, int(frame.max()) - int(frame.min()))


def decibels(ratio: float) -> float:
    """Return a ratio of amplitudes in dB."""
    return 20 * math.log10(ratio)
