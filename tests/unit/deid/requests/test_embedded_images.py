"""Images as pixel data in Replace: decoded, and described by what they are."""

from __future__ import annotations

import base64
from typing import Any

import imagecodecs
import numpy as np
import pytest

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.requests.embedded_images import no_decoder
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.model.errors import BadFileFormatError, NotImplementedYetError, TranscodingError
from dicomorph.model.resources import Level
from dicomorph.transcoding.embedded_image import decode_image
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import KEY, NAME, SETTINGS, edited
from tests.support.images import Image, image_file
from tests.support.transcoded import pixels_by_pydicom, read

GRAY = np.arange(35, dtype=np.uint8).reshape(5, 7)
RGB = np.stack([GRAY, GRAY + 90, 255 - GRAY], axis=-1)
FILE = image_file(Image(8, 8, bits=16, stored=12, signed=1, frames=3), bytes(384))


def uri(array: np.ndarray, mime_type: str = "image/png") -> str:
    content = bytes(imagecodecs.png_encode(array))
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def replaced(data: bytes, value: str, *, decoder: Any = decode_image, **more: str) -> bytes:
    body: dict[str, Any] = {"Replace": {"PixelData": value, **more}}
    modification = parse_modification(body, is_anonymization=False, level=Level.INSTANCE, settings=SETTINGS)
    plan = compile_plan(modification, name=NAME, settings=SETTINGS, decode_image=decoder)
    return edited(data, Rewriter(plan, IdentityMapper(KEY), default_encoding=SETTINGS.default_encoding))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("array", [GRAY, GRAY.astype(np.uint16) * 1000, RGB])
def test_an_image_takes_the_place_of_the_pixels_with_all_that_describes_them(
    array: np.ndarray, syntax: str
) -> None:
    data = image_file(Image(8, 8, bits=16, stored=12, signed=1, frames=3), bytes(384), syntax=syntax)
    output = replaced(data, uri(array))
    found = read(output)
    assert (found.Rows, found.Columns, found.PixelRepresentation) == (5, 7, 0)
    assert "NumberOfFrames" not in found
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.PhotometricInterpretation == ("RGB" if array.ndim == 3 else "MONOCHROME2")
    if syntax == BIG and array.dtype == np.uint8:  # bytes in words, which pydicom does not swap
        value = np.frombuffer(found.PixelData, ">u2").astype("<u2").tobytes()[: array.size]
        assert value == array.tobytes()
    else:
        assert np.array_equal(pixels_by_pydicom(output), array)


def test_an_image_takes_the_place_of_nothing() -> None:
    bare = image_file(Image(8, 8), None)
    assert np.array_equal(pixels_by_pydicom(replaced(bare, uri(RGB))), RGB)


def test_what_a_request_says_of_the_pixels_gives_way_to_what_they_are() -> None:
    found = read(replaced(FILE, uri(GRAY), Rows="99", NumberOfFrames="2", PatientComments="kept"))
    assert (found.Rows, found.PatientComments, "NumberOfFrames" in found) == (5, "kept", False)


def test_octets_are_swapped_as_words_in_big_endian() -> None:
    octets = "data:application/octet-stream;base64," + base64.b64encode(b"abcd").decode()
    data = image_file(Image(1, 2, bits=16), bytes(4), syntax=BIG)
    assert read(replaced(data, octets)).PixelData == b"badc"
    assert read(replaced(FILE, octets)).PixelData == b"abcd"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("data:image/png;base64,!!!", BadFileFormatError),
        ("data:image/png;base64,", BadFileFormatError),
        ("data:image/png;base64,AAAA", BadFileFormatError),
        (uri(GRAY, "image/jpeg"), BadFileFormatError),
        (uri(GRAY, "image/gif"), NotImplementedYetError),
    ],
)
def test_what_is_no_image_is_refused(value: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        replaced(FILE, value)


def test_without_a_decoder_images_are_refused() -> None:
    with pytest.raises(TranscodingError):
        replaced(FILE, uri(GRAY), decoder=no_decoder)


def test_an_image_in_an_item_is_refused() -> None:
    icon: Any = [{"PixelData": uri(GRAY)}]
    with pytest.raises(NotImplementedYetError):
        parse_modification(
            {"Replace": {"IconImageSequence": icon}},
            is_anonymization=False,
            level=Level.INSTANCE,
            settings=SETTINGS,
        )


def test_compressed_pixels_are_not_replaced() -> None:
    pixels = Element(0x7FE00010, "OB", b"", undefined=True)
    data = image_file(Image(8, 8), None, pixels, syntax="1.2.840.10008.1.2.4.50")
    with pytest.raises(BadFileFormatError):
        replaced(data, uri(GRAY))
