"""Strings in requests to the values of elements that are no sequences (spec 3.4)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.values.data_uri import OCTETS, DataUri, DecodedUri
from dicomorph.dicom.values.numbers import NUMERIC_FORMATS, pack_numbers
from dicomorph.dicom.values.pixel_values import US_OR_SS, pack_pixel_values
from dicomorph.model.errors import BadFileFormatError, NotImplementedYetError, ParameterOutOfRangeError

ENCAPSULATED_DOCUMENT: Final = 0x00420011
PDF: Final = "application/pdf"

_MODELS = frozenset(("model/mtl", "model/obj", "model/stl"))
_ACCEPTED = {PIXEL_DATA: {OCTETS}, ENCAPSULATED_DOCUMENT: {OCTETS, PDF, *_MODELS}}
_TAKES_OCTETS = frozenset(vr.decode() for vr in TEXT_VRS) | {"OB", "UN"}


class LeafValues:
    """Casts strings to VRs.

    Parameters
    ----------
    names : TagNames
        What values of VR AT may name.
    takes_data_uris : bool
        Whether a data URI is decoded; else it is text.
    """

    def __init__(self, names: TagNames, *, takes_data_uris: bool = True) -> None:
        self._names = names
        self._takes_data_uris = takes_data_uris

    def cast(
        self,
        tag: int,
        vr: str,
        text: str,
        order: str,
        encode: Callable[[str], bytes],
        *,
        signed: bool | None = None,
    ) -> bytes:
        """Return a value, without padding.

        Parameters
        ----------
        tag, vr : int, str
            The element; the VR may be ``US or SS``.
        text : str
            The value of the request, not empty.
        order : str
            ``<`` or ``>``, as in `struct`.
        encode : Callable[[str], bytes]
            Encodes text in the character set of the data set.
        signed : bool or None
            Which of ``US or SS`` it is; None where either will do.

        Raises
        ------
        DicomorphError
            As `ValueEncoder.check` says.
        """
        uri = DataUri.parse(text) if self._takes_data_uris else None
        if uri is not None and (tag in _ACCEPTED or uri.mime_type == OCTETS):
            content = text.content if isinstance(text, DecodedUri) else _content(tag, vr, uri)
            # They are given in little endian; in the other order they are words (PS3.5 A.3).
            return _swapped_words(content) if tag == PIXEL_DATA and order == ">" else content
        if tag == PIXEL_DATA:
            return _pixels(text)
        if vr == "AT":
            tags = (self._names.tag(name.strip(" ")) for name in text.split("\\"))
            return b"".join(struct.pack(order + "HH", found >> 16, found & 0xFFFF) for found in tags)
        if vr not in NUMERIC_FORMATS and vr != US_OR_SS:
            return encode(text)
        try:
            if vr == US_OR_SS:
                return pack_pixel_values(tag, text, order, signed=signed)
            return pack_numbers(text, vr, order)
        except ValueError:
            # The cause is left out: its message holds the value.
            if vr == US_OR_SS and signed is not None:
                vr = "SS, as pixel values are signed" if signed else "US, as pixel values are unsigned"
            raise BadFileFormatError(f"The value for {format_tag(tag)} does not suit the VR {vr}") from None


def _content(tag: int, vr: str, uri: DataUri) -> bytes:
    """Return the content of a data URI, if the element takes its MIME type."""
    accepted = _ACCEPTED.get(tag, {OCTETS})
    if uri.mime_type not in accepted:
        raise NotImplementedYetError(
            f"{format_tag(tag)} takes data URIs of these MIME types only: {', '.join(sorted(accepted))}"
        )
    if tag not in _ACCEPTED and vr not in _TAKES_OCTETS:
        raise BadFileFormatError(f"The VR of {format_tag(tag)} takes no data URI")
    try:
        content = uri.decode()
    except ValueError as error:
        raise BadFileFormatError(f"The data URI for {format_tag(tag)} is malformed") from error
    if uri.mime_type == PDF and not content.startswith(b"%PDF-"):
        raise BadFileFormatError(f"The data URI for {format_tag(tag)} holds no PDF")
    return content


def _swapped_words(content: bytes) -> bytes:
    swapped = bytearray(content + b"\0" * (len(content) % 2))
    swapped[::2], swapped[1::2] = swapped[1::2], swapped[::2]
    return bytes(swapped)


def _pixels(text: str) -> bytes:
    """Return a plain string as pixel data: its bytes in UTF-8, whatever the character set."""
    pixels = text.encode("utf-8", "ignore")
    if len(pixels) & 1:
        raise ParameterOutOfRangeError("Pixel data has an even number of bytes")
    return pixels
