"""Encapsulated icons become native: nothing else may be in an item under another transfer syntax."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from dicomorph.model.errors import TranscodingError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, encode
from tests.support.codestreams import encapsulated, even
from tests.support.images import Image, image_file
from tests.support.run_lengths import rle
from tests.support.transcoded import RLE, read, transcoded

ICON, REFERENCED, PIXEL_DATA = 0x00880200, 0x00081140, 0x7FE00010
IMAGE = Image(4, 6, bits=8)
PLANE = bytes(range(24))
PIXELS = Element(PIXEL_DATA, "OB", encapsulated([even(rle(PLANE))]), undefined=True)
NATIVES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]


def icon(*, undefined: bool = False, pixels: Element = PIXELS) -> Element:
    return Element(ICON, "SQ", [[*IMAGE.elements(), pixels]], undefined=undefined)


def with_icon(*elements: Element) -> bytes:
    """Return an image in RLE with elements that hold more pixels."""
    value = encapsulated([even(rle(PLANE[::-1]))])
    return image_file(IMAGE, value, *elements, vr="OB", syntax=RLE, undefined=True)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", NATIVES)
def test_an_icon_becomes_native(syntax: str, undefined: bool) -> None:  # noqa: FBT001 - a parameter
    found = read(transcoded(with_icon(icon(undefined=undefined)), syntax))
    [item] = found[ICON].value
    assert np.frombuffer(item.PixelData, ">u2" if syntax == BIG else "<u2").astype("<u2").tobytes() == PLANE
    assert item.Rows == 4
    assert item["PixelData"].VR == "OW"
    assert found.PixelData == PLANE[::-1]


def test_an_icon_becomes_native_without_pixels_beside_it() -> None:
    data = image_file(IMAGE, None, icon(), syntax=RLE)
    [item] = read(transcoded(data, EXPLICIT))[ICON].value
    assert item.PixelData == PLANE


def test_an_icon_in_the_items_of_another_sequence_becomes_native() -> None:
    surrounding = Element(
        REFERENCED, "SQ", [[Element(0x00081150, "UI", "1.2"), icon()], [icon(undefined=True)]], undefined=True
    )
    found = read(transcoded(with_icon(surrounding), EXPLICIT))
    assert [each[ICON].value[0].PixelData for each in found[REFERENCED].value] == [PLANE, PLANE]
    assert found[REFERENCED].value[0].ReferencedSOPClassUID == "1.2"


def test_native_icons_stay_as_they_are() -> None:
    native = icon(pixels=Element(PIXEL_DATA, "OB", PLANE))
    for data in (with_icon(native), image_file(IMAGE, PLANE, native, vr="OB")):
        for syntax in (RLE, EXPLICIT, BIG):
            [item] = read(transcoded(data, syntax))[ICON].value
            assert item.PixelData == PLANE


def test_bytes_that_look_like_the_header_of_pixels_are_none() -> None:
    private = Element(0x00091001, "OB", struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF))
    inside = Element(REFERENCED, "SQ", [[private]])
    found = read(transcoded(with_icon(private, inside), EXPLICIT))
    assert found[0x00091001].value == found[REFERENCED].value[0][0x00091001].value == private.value


@pytest.mark.parametrize(
    "fragments", [[b""], [], [even(rle(PLANE))] * 2, [even(rle(PLANE))[:-8]], [b"no frame"]]
)
def test_an_icon_that_cannot_be_decoded_is_refused(fragments: list[bytes]) -> None:
    broken = icon(pixels=Element(PIXEL_DATA, "OB", encapsulated(fragments), undefined=True))
    with pytest.raises(TranscodingError):
        transcoded(with_icon(broken), EXPLICIT)


def test_an_icon_within_an_unknown_element_is_refused() -> None:
    hidden = Element(
        0x00091001,
        "UN",
        struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        + encode([*IMAGE.elements()], IMPLICIT)
        + struct.pack("<HHI", 0x7FE0, 0x0010, 0xFFFFFFFF)
        + encapsulated([even(rle(PLANE))])
        + struct.pack("<HHIHHI", 0xFFFE, 0xE0DD, 0, 0xFFFE, 0xE00D, 0),
        undefined=True,
    )
    with pytest.raises(TranscodingError):
        transcoded(with_icon(hidden), EXPLICIT)
