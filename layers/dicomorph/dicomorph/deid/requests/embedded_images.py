"""Images that a request embeds as pixel data: they are decoded, and described anew (spec 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.values.data_uri import DataUri, DecodedUri
from dicomorph.model.errors import BadFileFormatError, TranscodingError
from dicomorph.model.resources import Json

NUMBER_OF_FRAMES: Final = 0x00280008
_MIME_TYPES: Final = frozenset(("image/png", "image/jpeg", "image/x-portable-arbitrarymap"))


class Image(Protocol):
    """A decoded image."""

    @property
    def value(self) -> bytes:
        """Native pixel data in little endian."""

    @property
    def attributes(self) -> Mapping[int, str]:
        """What describes them."""


ImageDecoder: TypeAlias = Callable[[bytes, str], Image]
"""Decodes the content of a file of a MIME type; raises `BadFileFormatError` or `TranscodingError`."""


def no_decoder(_content: bytes, _mime_type: str) -> Image:
    """Refuse any image: nobody is there who decodes it."""
    raise TranscodingError("Images are not embedded here")


class _Unread:
    value = b""
    attributes: Mapping[int, str] = MappingProxyType({})


def unread_image(_content: bytes, _mime_type: str) -> Image:
    """Stand for a decoder where a plan is only looked at, and writes no file."""
    return _Unread()


def embedded_image(tag: int, value: Json) -> DataUri | None:
    """Return the image that a request gives as pixel data, None if it gives something else."""
    uri = DataUri.parse(value) if tag == PIXEL_DATA and isinstance(value, str) else None
    return uri if uri is not None and uri.mime_type in _MIME_TYPES else None


def embeds_image(replaced: Mapping[int, Json]) -> bool:
    """Tell whether a request replaces pixel data by an image, which may be a thousand times its body."""
    return embedded_image(PIXEL_DATA, replaced.get(PIXEL_DATA)) is not None


def check_image(uri: DataUri) -> None:
    """Raise `BadFileFormatError` if an image is no base64; what it holds is not looked at."""
    _content(uri)


def with_image(replace: dict[int, Json], decode: ImageDecoder) -> dict[int, Json]:
    """Return top-level replacements with an image as pixel data, and all that describes them.

    What the request says itself of the pixels does not count: it would contradict them.
    """
    uri = embedded_image(PIXEL_DATA, replace.get(PIXEL_DATA))
    if uri is None:
        return replace
    image = decode(_content(uri), uri.mime_type)
    return {**replace, **image.attributes, PIXEL_DATA: DecodedUri(image.value)}


def _content(uri: DataUri) -> bytes:
    try:
        return uri.decode()
    except ValueError as error:
        raise BadFileFormatError(f"The data URI for {format_tag(PIXEL_DATA)} is malformed") from error
