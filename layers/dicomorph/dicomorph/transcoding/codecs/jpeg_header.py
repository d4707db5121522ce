"""What a JPEG or JPEG-LS codestream says of itself, read before it is decoded (ITU-T T.81 annex B, T.87)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.pixels import Pixels, check_size

BASELINE: Final = 0xC0
EXTENDED: Final = 0xC1
LOSSLESS: Final = 0xC3
JPEG_LS: Final = 0xF7
SCAN: Final = 0xDA
ADOBE: Final = 0xEE

_FRAMES = {*range(0xC0, 0xD0), JPEG_LS} - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC are no frames
_APP0 = 0xE0
_MOST_SEGMENTS = 4096
_MOST_SAMPLES = {BASELINE: 256, EXTENDED: 256, LOSSLESS: 8}
"""In a byte of one colour: a block of 64 has two codes, a sample of its own one, and each of them a bit."""


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """The frame header, and what decoders make of colour.

    Parameters
    ----------
    process : int
        The second byte of the marker SOF.
    precision : int
        Bits of a sample.
    rows, columns : int
        Of the image.
    components : tuple[int, ...]
        Identifiers.
    is_jfif : bool
        Whether there is a JFIF header, so that three components are YCbCr.
    adobe_transform : int
        0 for RGB, 1 for YCbCr; -1 where Adobe's segment is missing.
    scans_start : int
        Where the first SOS stands.
    """

    process: int
    precision: int
    rows: int
    columns: int
    components: tuple[int, ...]
    is_jfif: bool
    adobe_transform: int
    scans_start: int

    def is_ycbcr(self, photometric_interpretation: str) -> bool:
        """Return whether three components are YCbCr: what the codestream says counts, then the data set."""
        if self.adobe_transform >= 0:
            return self.adobe_transform == 1
        return self.is_jfif or photometric_interpretation.startswith("YBR")


def checked_header(data: bytes, pixels: Pixels, processes: frozenset[int]) -> JpegHeader:
    """Return the header of a codestream that is what the data set says, and ends.

    Raises
    ------
    TranscodingError
        If it is damaged or cut off, of another process, or of another size than `pixels`.
    """
    check_size(pixels)
    header = read_header(data)
    if header.process not in processes:
        raise TranscodingError("A frame is encoded in another way than its transfer syntax says")
    if (header.rows, header.columns) != (pixels.rows, pixels.columns):
        raise TranscodingError("A frame has other Rows or Columns than its data set")
    if len(header.components) != pixels.samples_per_pixel or pixels.samples_per_pixel not in {1, 3}:
        raise TranscodingError("A frame has another number of colours than SamplesPerPixel")
    if not 2 <= header.precision <= pixels.bits_allocated:  # noqa: PLR2004 - T.81 and T.87 know no fewer
        raise TranscodingError("A frame has more bits than BitsAllocated")
    most = len(data) * _MOST_SAMPLES.get(header.process, header.rows * header.columns)
    if data.find(b"\xff\xd9", header.scans_start) < 0 or header.rows * header.columns > most:
        raise TranscodingError("A frame is cut off")
    if data.count(b"\xff\xda", header.scans_start) > len(header.components):
        raise TranscodingError("A frame has more scans than colours")
    return header


def read_header(data: bytes) -> JpegHeader:
    """Return what stands before the first scan."""
    frame, is_jfif, transform = b"", False, -1
    process = 0
    for marker, start, stop in segments(data):
        if marker in _FRAMES:
            process, frame = marker, data[start:stop]
        elif marker == _APP0 and data[start : start + 5] == b"JFIF\0":
            is_jfif = True
        elif marker == ADOBE and data[start : start + 5] == b"Adobe" and stop - start >= 12:  # noqa: PLR2004 - its length
            transform = data[start + 11]
        elif marker == SCAN:
            return _header(process, frame, is_jfif=is_jfif, transform=transform, scans_start=start - 4)
    raise TranscodingError("A frame is cut off")


def segments(data: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """Yield the marker of each segment up to the first scan, and where its parameters start and stop.

    Parameters
    ----------
    data : bytes or bytearray
        A codestream.

    Yields
    ------
    tuple[int, int, int]
        The second byte of the marker, and two positions; the last one is that of the first scan.

    Raises
    ------
    TranscodingError
        If the header is damaged, cut off or endless.
    """
    if data[:2] != b"\xff\xd8":
        raise TranscodingError("A frame does not begin as its transfer syntax says")
    position = 2
    for _ in range(_MOST_SEGMENTS):
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        stop = position + 2 + length
        if data[position : position + 1] != b"\xff" or length < 2 or stop > len(data):  # noqa: PLR2004 - of the length
            raise TranscodingError("A frame has a damaged header")
        yield data[position + 1], position + 4, stop
        if data[position + 1] == SCAN:
            return
        position = stop


def _header(process: int, frame: bytes, *, is_jfif: bool, transform: int, scans_start: int) -> JpegHeader:
    """Return the header out of the parameters of SOF."""
    count = frame[5] if len(frame) > 5 else 0  # noqa: PLR2004 - where the number of components stands
    if not count or len(frame) < 6 + 3 * count:
        raise TranscodingError("A frame has a damaged header")
    components = [frame[6 + 3 * index : 9 + 3 * index] for index in range(count)]
    return JpegHeader(
        process=process,
        precision=frame[0],
        rows=int.from_bytes(frame[1:3], "big"),
        columns=int.from_bytes(frame[3:5], "big"),
        components=tuple(component[0] for component in components),
        is_jfif=is_jfif,
        adobe_transform=transform,
        scans_start=scans_start,
    )
