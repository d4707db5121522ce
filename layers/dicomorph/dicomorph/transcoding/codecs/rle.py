"""RLE Lossless (PS3.5 annex G): each byte of each sample in a segment of its own, packed row by row."""

from __future__ import annotations

import struct
from typing import Final

import imagecodecs
import numpy as np

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.codec import Codec
from dicomorph.transcoding.codecs.kinds import COLOUR, MONOCHROME, PALETTE, Kinds
from dicomorph.transcoding.pixels import Pixels, Samples, check_size

_HEADER: Final = struct.Struct("<16I")
_SLACK: Final = 64  # what padding may decode to, at the end of a segment
_HIGHEST_RATIO: Final = 64  # 128 bytes of a run are packed into two

# 32 bits allocated stand in no row of table 8.2.2-1, but annex G has segments for them, and they are read.
_KINDS: Final = Kinds(
    photometric=MONOCHROME | PALETTE | COLOUR,
    bits={8: range(1, 9), 16: range(1, 17), 32: range(1, 33)},
    colour_bits={8: range(1, 9), 16: range(1, 17)},
    signed_bits=range(1, 33),
    takes_any_high_bit=True,
)


class RleCodec(Codec):
    """RLE Lossless. All bits of a sample are kept, those above the high bit included."""

    planar_configuration = 1  # PS3.5 8.2.2: always color-by-plane

    def __init__(self) -> None:
        super().__init__(_KINDS, is_lossy=False)

    def encode(self, frame: Samples, pixels: Pixels, quality: int) -> bytes:
        """Return the header, and the segments of each sample from its most significant byte on."""
        del quality
        planes = _bytes_of(frame, pixels)
        segments = [_even(imagecodecs.packbits_encode(plane, axis=-1)) for plane in planes]
        offsets = np.cumsum([_HEADER.size, *map(len, segments[:-1])])
        header = _HEADER.pack(len(segments), *map(int, offsets), *[0] * (15 - len(segments)))
        return b"".join((header, *segments))

    def decode(self, data: bytes, pixels: Pixels) -> Samples:
        """Return the samples of all segments."""
        check_size(pixels)
        count = pixels.samples_per_pixel * pixels.dtype.itemsize
        size = pixels.rows * pixels.columns
        bounds = _bounds(data, count, size)
        frame = np.empty((pixels.rows, pixels.columns, count), np.uint8)
        for index, (start, stop) in enumerate(bounds):
            frame[..., index] = _plane(data[start:stop], size).reshape(pixels.rows, pixels.columns)
        return (
            frame.view(pixels.dtype.newbyteorder(">")).reshape(pixels.shape).astype(pixels.dtype, copy=False)
        )


def _bytes_of(frame: Samples, pixels: Pixels) -> Samples:
    """Return the planes of a frame byte by byte, most significant bytes first."""
    big_endian = np.ascontiguousarray(frame, pixels.dtype.newbyteorder(">"))
    octets = np.frombuffer(big_endian.tobytes(), np.uint8).reshape(pixels.rows, pixels.columns, -1)
    return np.moveaxis(octets, -1, 0).copy(order="C")


def _even(segment: bytes | bytearray) -> bytes | bytearray:
    return segment + b"\0" if len(segment) % 2 else segment


def _bounds(data: bytes, count: int, size: int) -> list[tuple[int, int]]:
    """Return where each of the segments starts and stops, which may be long enough."""
    if len(data) < _HEADER.size:
        raise TranscodingError("An RLE frame is cut off")
    found, *offsets = _HEADER.unpack_from(data)
    if found != count:
        raise TranscodingError("An RLE frame has not the segments that its pixels need")
    bounds = list(zip(offsets[:count], [*offsets[1:count], len(data)], strict=True))
    if offsets[0] < _HEADER.size or any(start >= stop for start, stop in bounds):
        raise TranscodingError("An RLE header has wrong offsets")
    if any((stop - start) * _HIGHEST_RATIO < size for start, stop in bounds):
        raise TranscodingError("An RLE segment is cut off")
    return bounds


def _plane(segment: bytes, size: int) -> Samples:
    """Return the bytes of a segment."""
    plane = bytearray(size + _SLACK)
    try:
        decoded = imagecodecs.packbits_decode(segment, out=plane)
    except (ValueError, RuntimeError) as error:
        raise TranscodingError("An RLE segment is damaged") from error
    if len(decoded) < size:
        raise TranscodingError("An RLE segment is cut off")
    return np.frombuffer(plane, np.uint8, size)
