"""What attributes say after a transcoding: of the pixels, and that they were compressed with a loss."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from dicomorph.dicom.recoding.changes import Change
from dicomorph.dicom.standard.tags import SOP_INSTANCE_UID
from dicomorph.dicom.standard.transfer_syntaxes import (
    HTJ2K,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LS_NEAR_LOSSLESS,
)
from dicomorph.dicom.stream.elements import DELIMITER_BYTES, EXPLICIT_LITTLE, ITEM, Element, Encoding
from dicomorph.transcoding.image_header import (
    BITS_STORED,
    DERIVATION_CODE_SEQUENCE,
    DERIVATION_DESCRIPTION,
    HIGH_BIT,
    IMAGE_TYPE,
    LOSSY_IMAGE_COMPRESSION_METHOD,
    LOSSY_IMAGE_COMPRESSION_RATIO,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    ImageHeader,
)
from dicomorph.transcoding.pixels import Pixels

_LOSSY_IMAGE_COMPRESSION: Final = 0x00282110
_LONGEST_DESCRIPTION: Final = 1024  # characters, of the VR ST; as many bytes or more
_LONGEST_VALUE: Final = 0xFFFE  # bytes, of VRs with a length of 16 bits


class _Method(NamedTuple):
    term: str  # PS3.3 C.7.6.1.1.5.1
    name: str


_METHODS: Final = {
    JPEG_BASELINE: _Method("ISO_10918_1", "JPEG baseline"),
    JPEG_EXTENDED: _Method("ISO_10918_1", "JPEG extended"),
    JPEG_LS_NEAR_LOSSLESS: _Method("ISO_14495_1", "JPEG-LS near-lossless"),
    JPEG_2000: _Method("ISO_15444_1", "JPEG 2000"),
    HTJ2K: _Method("ISO_15444_15", "High-Throughput JPEG 2000"),
}


def changed_pixels(header: ImageHeader, pixels: Pixels) -> dict[int, Change]:
    """Return what changes where frames are written anew.

    An image without colours keeps what it says of planes (PS3.3 C.7.6.3.1.3).

    Parameters
    ----------
    header : ImageHeader
        Of the source.
    pixels : Pixels
        How they are written.
    """
    changes = dict[int, Change]()
    if header.text(PHOTOMETRIC_INTERPRETATION) != pixels.photometric_interpretation:
        changes[PHOTOMETRIC_INTERPRETATION] = b"CS", _text(pixels.photometric_interpretation)
    if pixels.is_colour:
        changes[PLANAR_CONFIGURATION] = _number(pixels.planar_configuration)
    if pixels.bits_stored != header.pixels().bits_stored:
        changes[BITS_STORED], changes[HIGH_BIT] = _number(pixels.bits_stored), _number(pixels.high_bit)
    return changes


def lossy_attributes(
    header: ImageHeader, transfer_syntax: str, ratio: float, sop_instance_uid: str
) -> dict[int, Change]:
    """Return what is to be said of an image that was compressed with a loss (PS3.3 C.7.6.1.1.5).

    Earlier steps stay in it: ratio and method of this one are appended to theirs. These belong together
    (PS3.3 C.7.6.1.1.5.2), though many files have only one of them: what is missing is left empty, unless
    the transfer syntax of the source tells the method.

    Parameters
    ----------
    header : ImageHeader
        Of the source.
    transfer_syntax : str
        What was written.
    ratio : float
        How many bytes became one.
    sop_instance_uid : str
        What the new image gets: it is another one. If it is empty, the old one stays.
    """
    method, number = _METHODS[transfer_syntax], f"{ratio:.4g}"
    ratios, methods = _steps(header)
    changes: dict[int, Change] = {
        IMAGE_TYPE: (b"CS", _text(_derived(header.text(IMAGE_TYPE)))),
        _LOSSY_IMAGE_COMPRESSION: (b"CS", b"01"),
        LOSSY_IMAGE_COMPRESSION_RATIO: _appended(ratios, b"DS", number),
        LOSSY_IMAGE_COMPRESSION_METHOD: _appended(methods, b"CS", method.term),
        DERIVATION_DESCRIPTION: _description(header, f"{method.name} lossy compression, ratio {number}"),
    }
    if DERIVATION_CODE_SEQUENCE not in header.elements:
        changes[DERIVATION_CODE_SEQUENCE] = b"SQ", _lossy_compression(EXPLICIT_LITTLE)
    if sop_instance_uid:
        changes[SOP_INSTANCE_UID] = b"UI", _text(sop_instance_uid, pad=b"\0")
    return changes


def with_lossy_compression(header: ImageHeader) -> dict[Element, bytes]:
    """Return what stands for a DerivationCodeSequence that is there, with an item more; in its encoding.

    One that came as UN stays: its items are in implicit VR.
    """
    found, data = header.elements.get(DERIVATION_CODE_SEQUENCE), header.data
    if found is None or (found.vr != b"SQ" and data.encoding.explicit):
        return {}
    stop = found.stop - (DELIMITER_BYTES if found.undefined else 0)
    value = data.source.read(found.value, stop) + _lossy_compression(data.encoding)
    return {found: data.encoding.element(found.tag, b"SQ", value)}


def _lossy_compression(encoding: Encoding) -> bytes:
    """Return the item that says so in DerivationCodeSequence (PS3.16 CID 7203)."""
    code = (
        encoding.element(0x00080100, b"SH", b"113040")
        + encoding.element(0x00080102, b"SH", b"DCM ")
        + encoding.element(0x00080104, b"LO", b"Lossy Compression ")
    )
    return encoding.tag(ITEM) + struct.pack(encoding.order + "I", len(code)) + code


def _derived(image_type: str) -> str:
    """Return an Image Type whose first value says that the image was derived (PS3.3 C.7.6.1.1.2)."""
    return "\\".join(("DERIVED", *(image_type.split("\\")[1:] or ("SECONDARY",))))


def _steps(header: ImageHeader) -> tuple[list[str], list[str]]:
    """Return the ratios and the methods of earlier steps, as many of each."""
    ratios, methods = (
        text.split("\\") if (text := header.text(tag)) else []
        for tag in (LOSSY_IMAGE_COMPRESSION_RATIO, LOSSY_IMAGE_COMPRESSION_METHOD)
    )
    is_last_known = len(methods) == len(ratios) - 1 and header.data.transfer_syntax in _METHODS
    if is_last_known:
        methods.append(_METHODS[header.data.transfer_syntax].term)
    count = max(len(ratios), len(methods))
    return ratios + [""] * (count - len(ratios)), methods + [""] * (count - len(methods))


def _appended(values: list[str], vr: bytes, value: str) -> Change:
    text = _text("\\".join((*values, value)))
    return vr, text if len(text) <= _LONGEST_VALUE else _text(value)


def _description(header: ImageHeader, sentence: str) -> Change:
    """Return a description with a sentence more, if there is room for it."""
    found = header.raw(DERIVATION_DESCRIPTION, _LONGEST_VALUE).rstrip(b" \0")
    text = found + b"; " + sentence.encode("ascii") if found else sentence.encode("ascii")
    return b"ST", _even(text if len(text) <= _LONGEST_DESCRIPTION else found)


def _number(number: int) -> Change:
    return b"US", number.to_bytes(2, "little")


def _text(text: str, pad: bytes = b" ") -> bytes:
    return _even(text.encode("latin-1"), pad)


def _even(value: bytes, pad: bytes = b" ") -> bytes:
    return value + pad * (len(value) % 2)
