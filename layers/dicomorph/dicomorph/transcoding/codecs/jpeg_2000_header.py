"""What a JPEG 2000 codestream says of itself, read before anything is decoded (ITU-T T.800)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.pixels import Pixels, check_size

_BOXED: Final = b"\0\0\0\x0cjP  "
_BOX: Final = struct.Struct(">I4s")
_SIZ: Final = struct.Struct(">HIIIIIIIIH")
_SOC, _EOC = b"\xff\x4f", b"\xff\xd9"
_SIZ_MARKER, _COD, _COC, _SOT, _SOD = 0x51, 0x52, 0x53, 0x90, 0x93
_MOST_SEGMENTS: Final = 100_000
_MOST_BLOCKS: Final = 1 << 20
"""Code-blocks, and a thousand times as many as tiles: a decoder keeps a record of each, however small."""
_MOST_LEVELS: Final = 32


@dataclass(frozen=True, slots=True)
class Jpeg2000Header:
    """The image and its parts.

    Parameters
    ----------
    columns, rows : int
        Of the image.
    precision : int
        Bits of a sample.
    is_signed : bool
        Whether samples are.
    components : int
        How many colours there are.
    tiles : int
        How many tiles there are.
    """

    columns: int
    rows: int
    precision: int
    is_signed: bool
    components: int
    tiles: int


def checked_codestream(data: bytes, pixels: Pixels) -> tuple[bytes, Jpeg2000Header]:
    """Return a whole codestream that is what the data set says, without boxes around it, and its header.

    Raises
    ------
    TranscodingError
        If it is damaged or cut off, of another size than `pixels`, or divided so finely that it takes
        more memory than its pixels.
    """
    check_size(pixels)
    codestream = _unboxed(data)
    header = _read_header(codestream)
    if (header.rows, header.columns) != (pixels.rows, pixels.columns):
        raise TranscodingError("A frame has other Rows or Columns than its data set")
    if header.components != pixels.samples_per_pixel or pixels.samples_per_pixel not in {1, 3}:
        raise TranscodingError("A frame has another number of colours than SamplesPerPixel")
    if header.precision > pixels.bits_allocated:
        raise TranscodingError("A frame has more bits than BitsAllocated")
    return _whole(codestream, header), header


def _unboxed(data: bytes) -> bytes:
    """Return the codestream in a JP2 file, or the bare one. Colours are what the data set says, not boxes."""
    if not data.startswith(_BOXED):
        return data
    position = 0
    while position + _BOX.size <= len(data):
        length, name = _BOX.unpack_from(data, position)
        if name == b"jp2c":
            start = position + (16 if length == 1 else 8)
            return data[start : position + length if length > 1 else len(data)]
        if length < _BOX.size:
            break
        position += length
    raise TranscodingError("A frame has no codestream in its boxes")


def _read_header(data: bytes) -> Jpeg2000Header:
    """Return what the segment SIZ says (T.800 A.5.1)."""
    if data[:2] != _SOC or data[2:4] != bytes((0xFF, _SIZ_MARKER)) or len(data) < 6 + _SIZ.size:
        raise TranscodingError("A frame does not begin as its transfer syntax says")
    _, right, bottom, left, top, width, height, tiles_left, tiles_top, count = _SIZ.unpack_from(data, 6)
    parts = data[6 + _SIZ.size : 6 + _SIZ.size + 3 * count]
    kinds = {parts[index : index + 3] for index in range(0, len(parts), 3)}
    if len(parts) != 3 * count or len(kinds) != 1 or not width or not height:
        raise TranscodingError("A frame has colours of different kinds, or a damaged header")
    depth, *distances = kinds.pop()
    if distances != [1, 1] or left or top or tiles_left or tiles_top:
        raise TranscodingError("A frame is subsampled, or does not begin in its corner")
    tiles = -(-right // width) * -(-bottom // height)
    return Jpeg2000Header(right, bottom, (depth & 0x7F) + 1, depth >= 0x80, count, tiles)  # noqa: PLR2004 - sign bit


def _whole(data: bytes, header: Jpeg2000Header) -> bytes:
    """Return a codestream with its end, having looked at the headers of all tile-parts."""
    if header.tiles > _MOST_BLOCKS // 1024:
        raise TranscodingError("A frame has too many tiles")
    position, layers = 2, 1
    for marker, start, stop in segments(data, position):
        if marker in {_COD, _COC}:
            layers = _check_blocks(data[start:stop], marker, header, layers, len(data))
        position = stop
    found = data[position : position + 2]
    if found == _EOC:
        return data[: position + 2]
    if not found:
        return data + _EOC
    raise TranscodingError("A frame is cut off")


def segments(data: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Yield the marker of each segment of all headers, and where its parameters start and stop.

    Parameters
    ----------
    data : bytes
        A codestream.
    position : int
        Where the first segment stands.

    Yields
    ------
    tuple[int, int, int]
        The second byte of the marker, and two positions; for SOD, those of all packets.

    Raises
    ------
    TranscodingError
        If a header is damaged, or a tile-part cut off.
    """
    part_stop = 0
    for _ in range(_MOST_SEGMENTS):
        marker = data[position : position + 2]
        if marker == _EOC or not marker:
            return
        if marker == bytes((0xFF, _SOD)) and part_stop:
            yield _SOD, position, part_stop  # packets are stepped over
            position = part_stop
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        stop = position + 2 + length
        if marker[:1] != b"\xff" or length < 2 or stop > len(data):  # noqa: PLR2004 - of the length
            raise TranscodingError("A frame has a damaged header, or is cut off")
        yield marker[-1], position + 4, stop
        if marker == bytes((0xFF, _SOT)):
            part_stop = _part_stop(data, position)
        position = stop


def _part_stop(data: bytes, position: int) -> int:
    """Return where a tile-part ends; one without a length is the last (T.800 A.4.2)."""
    length = int.from_bytes(data[position + 6 : position + 10], "big")
    stop = position + length
    if not length:
        stop = len(data) - 2 if data.endswith(_EOC) else len(data)
    if stop > len(data) or stop < position + 14:  # SOT and SOD
        raise TranscodingError("A frame is cut off")
    return stop


def _check_blocks(segment: bytes, marker: int, header: Jpeg2000Header, layers: int, size: int) -> int:
    """Refuse what is divided too finely, or is to be walked through for too long (T.800 A.6.1 and A.6.2).

    Returns
    -------
    int
        The layers that the segment COD gives.
    """
    start = 5 if marker == _COD else (2 if header.components < 257 else 3)  # noqa: PLR2004 - a byte does not suffice
    if len(segment) < start + 5:
        raise TranscodingError("A frame has a damaged header")
    style = segment[0] if marker == _COD else segment[start - 1]
    if marker == _COD:
        layers = int.from_bytes(segment[2:4], "big")
    levels, width, height = segment[start : start + 3]
    precincts = segment[start + 5 :] if style & 1 else b"\xff" * (levels + 1)
    side = (width & 15) + (height & 15) + 4
    if header.rows * header.columns * header.components >> side > _MOST_BLOCKS:
        raise TranscodingError("A frame is divided too finely")
    packets = (
        layers * header.components * max(header.tiles * (levels + 1), _precincts(header, levels, precincts))
    )
    if levels > _MOST_LEVELS or packets > size:
        raise TranscodingError("A frame says that it has more packets than bytes")
    return layers


def _precincts(header: Jpeg2000Header, levels: int, sizes: bytes) -> int:
    """Return how many precincts there are at least, in all resolutions of one component."""
    return sum(
        -(-header.columns // (1 << levels - level + (size & 15)))
        * -(-header.rows // (1 << levels - level + (size >> 4)))
        for level, size in zip(range(levels + 1), sizes, strict=False)
    )
