"""Images that a request embeds as pixel data: PNG, JPEG, and portable arbitrary maps (spec 3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import imagecodecs
import numpy as np

from dicomorph.model.errors import BadFileFormatError, TooLargeBodyError, TranscodingError
from dicomorph.transcoding.arrays import bytes_of
from dicomorph.transcoding.codecs.jpeg_header import read_header
from dicomorph.transcoding.pixels import Pixels, Samples, check_size

_PNG: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_PNG_COLOURS: Final = {0: 1, 2: 3, 6: 4}  # samples, the opacity among them
_PAM: Final = re.compile(rb"P7\n(?:[A-Z]+ [^\n]*\n|#[^\n]*\n|\n){1,64}ENDHDR\n")
_PAM_FIELD: Final = re.compile(rb"^(WIDTH|HEIGHT|DEPTH|MAXVAL) +(\d{1,5})\s*$", re.MULTILINE)
_JPEG_PROCESSES: Final = frozenset((0xC0, 0xC1, 0xC2))  # of the discrete cosine transform
_MOST_SCANS: Final = (
    32  # each of them, of a few bytes, makes the decoder go through the whole image; usual are 10
)
_GRAY, _COLOUR, _OPACITY = 1, 3, 4
_LARGEST: Final = 1 << 26  # bytes of samples: a request takes twice as much, whatever the size of its body
_LARGEST_SIDE: Final = 65535  # Rows and Columns are US


class EmbeddedImage(NamedTuple):
    """An image as native pixel data.

    Parameters
    ----------
    pixels : Pixels
        What is to be said of it.
    value : bytes
        The samples in little endian, those of a pixel together, padded to an even length.
    """

    pixels: Pixels
    value: bytes

    @property
    def attributes(self) -> dict[int, str]:
        """The attributes that describe the pixels, as a request would name them."""
        pixels = self.pixels
        found = {
            0x00280002: pixels.samples_per_pixel,
            0x00280010: pixels.rows,
            0x00280011: pixels.columns,
            0x00280100: pixels.bits_allocated,
            0x00280101: pixels.bits_stored,
            0x00280102: pixels.high_bit,
            0x00280103: 0,
        }
        if pixels.is_colour:
            found[0x00280006] = 0
        texts = {tag: str(number) for tag, number in found.items()}
        return {**texts, 0x00280004: pixels.photometric_interpretation}


def decode_image(data: bytes, mime_type: str) -> EmbeddedImage:
    """Return an image as pixel data, in gray or RGB; what says how opaque it is goes.

    Parameters
    ----------
    data : bytes
        The content of a file.
    mime_type : str
        ``image/png``, ``image/jpeg`` or ``image/x-portable-arbitrarymap``, in lower case.

    Raises
    ------
    BadFileFormatError
        If the content is not what its MIME type says, or damaged.
    TranscodingError
        If it is of another MIME type, or of a kind that pixel data are not made of: with a palette,
        of fewer than eight bits, of too many rows or columns.
    TooLargeBodyError
        If it has more than 64 MB of samples.
    """
    if mime_type not in _DECODERS:
        raise TranscodingError("Pixel data are made of PNG, JPEG and PAM images only")
    samples = _DECODERS[mime_type](data)
    pixels = _pixels_of(samples.shape, samples.dtype.itemsize * 8)
    value = bytes_of(np.ascontiguousarray(samples))
    return EmbeddedImage(pixels, value + b"\0" * (len(value) % 2))


def _png(data: bytes) -> Samples:
    if not data.startswith(_PNG) or len(data) < 33:  # noqa: PLR2004 - up to the end of IHDR
        raise BadFileFormatError("This is no PNG image")
    columns, rows = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    bits, kind = data[24], data[25]
    if bits not in (8, 16) or kind not in _PNG_COLOURS:
        raise TranscodingError("PNG images are embedded in gray or RGB, of 8 or 16 bits")
    _pixels_of((rows, columns, _PNG_COLOURS[kind]), bits)
    found = _decoded(imagecodecs.png_decode, data)
    if found.ndim == 3 and found.shape[2] < _COLOUR:  # noqa: PLR2004 - gray, and what a chunk tRNS makes of it
        return found[..., 0]
    return found[..., :_COLOUR] if found.ndim == 3 else found  # noqa: PLR2004 - as above


def _jpeg(data: bytes) -> Samples:
    try:
        header = read_header(data)
    except TranscodingError as error:
        raise BadFileFormatError("This is no JPEG image") from error
    count = len(header.components)
    if header.process not in _JPEG_PROCESSES or header.precision != 8 or count not in (_GRAY, _COLOUR):  # noqa: PLR2004
        raise TranscodingError("JPEG images are embedded in gray or colour, of 8 bits")
    _pixels_of((header.rows, header.columns, count), 8)
    if data.count(b"\xff\xda", header.scans_start) > _MOST_SCANS:
        raise TranscodingError("JPEG images are embedded with up to 32 scans")
    return _decoded(imagecodecs.jpeg8_decode, data)


def _pam(data: bytes) -> Samples:
    header = _PAM.match(data)
    fields = {name: int(number) for name, number in _PAM_FIELD.findall(header[0])} if header else {}
    if header is None or len(fields) < 4:  # noqa: PLR2004 - all of them
        raise BadFileFormatError("This is no PAM image")
    rows, columns, depth = (fields[name] for name in (b"HEIGHT", b"WIDTH", b"DEPTH"))
    dtype = {255: ">u1", 65535: ">u2"}.get(fields[b"MAXVAL"])
    if dtype is None or depth not in (_GRAY, _COLOUR):
        raise TranscodingError("PAM images are embedded in gray or RGB, of 8 or 16 bits")
    pixels = _pixels_of((rows, columns, depth), int(dtype[2]) * 8)
    size = pixels.frame_size
    if len(data) - header.end() < size:
        raise BadFileFormatError("A PAM image is cut off")
    return np.frombuffer(data, dtype, size // int(dtype[2]), header.end()).reshape(pixels.shape)


_DECODERS: Final[Mapping[str, Callable[[bytes], Samples]]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/x-portable-arbitrarymap": _pam,
}


def _decoded(decode: Callable[[bytes], Samples], data: bytes) -> Samples:
    try:
        return decode(data)
    except (ValueError, RuntimeError) as error:
        raise BadFileFormatError("An embedded image is damaged") from error


def _pixels_of(shape: tuple[int, ...], bits: int) -> Pixels:
    """Return what is to be said of samples; raise as `decode_image` does if they are too many."""
    rows, columns, *more = shape
    if not (0 < rows <= _LARGEST_SIDE and 0 < columns <= _LARGEST_SIDE):
        raise TranscodingError("An embedded image has too many rows or columns")
    is_colour = bool(more) and more[0] > 1
    pixels = Pixels(
        rows=rows,
        columns=columns,
        samples_per_pixel=_COLOUR if is_colour else _GRAY,
        bits_allocated=bits,
        bits_stored=bits,
        high_bit=bits - 1,
        photometric_interpretation="RGB" if is_colour else "MONOCHROME2",
    )
    check_size(pixels)
    if pixels.frame_size > _LARGEST:
        raise TooLargeBodyError("An embedded image has more than 64 MB of samples")
    return pixels
