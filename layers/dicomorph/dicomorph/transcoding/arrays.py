"""Native frames as arrays and back: bits, planes, shared colours, byte orders (PS3.5 8.1, annex D)."""

from __future__ import annotations

import numpy as np

from dicomorph.transcoding.pixels import Pixels, Samples


def bits_of(raw: bytes, skipped: int, pixels: Pixels) -> Samples:
    """Return a frame of which eight pixels share a byte, the first in its lowest bit (PS3.5 8.1.1).

    Parameters
    ----------
    raw : bytes
        All bytes that hold bits of the frame.
    skipped : int
        Bits of the first byte that belong to the frame before.
    """
    count = pixels.rows * pixels.columns * pixels.samples_per_pixel
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    return _by_pixel(bits[skipped : skipped + count], pixels).astype(pixels.dtype, copy=False)


def cells_of(raw: bytes, pixels: Pixels) -> Samples:
    """Return a frame of whole bytes in little endian."""
    return _by_pixel(np.frombuffer(raw, pixels.dtype.newbyteorder("<")), pixels)


def unhalved(raw: bytes, pixels: Pixels) -> Samples:
    """Return a frame in which two pixels share their colours, with those of each (PS3.3 C.7.6.3.1.2)."""
    dtype = pixels.dtype.newbyteorder("<")
    quads = np.frombuffer(raw, dtype).reshape(pixels.rows, pixels.columns // 2, 4)
    full = np.empty((pixels.rows, pixels.columns // 2, 2, 3), dtype)
    full[..., 0] = quads[..., :2]
    full[..., 1:] = quads[:, :, None, 2:]
    return full.reshape(pixels.shape)


def bytes_of(frame: Samples) -> bytes:
    """Return a frame of whole bytes in little endian, the samples of a pixel together."""
    return frame.astype(frame.dtype.newbyteorder("<"), copy=False).tobytes()


def _by_pixel(flat: Samples, pixels: Pixels) -> Samples:
    """Return the samples of a frame by rows and columns, those of a pixel together."""
    if not (pixels.is_colour and pixels.planar_configuration):
        return flat.reshape(pixels.shape)
    planes = flat.reshape(pixels.samples_per_pixel, pixels.rows, pixels.columns)
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))
