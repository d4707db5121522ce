"""Native frames as arrays: bits, planes, shared colours, byte orders, padding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.image_header import ImageHeader
from dicomorph.transcoding.native_frames import NativeFrames
from dicomorph.transcoding.native_writing import NativeWriting
from dicomorph.transcoding.pixels import Pixels
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.images import Image, image_file
from tests.support.transcoded import pixels_by_pydicom

INTERLEAVED, PLANAR = Element(0x00280006, "US", 0), Element(0x00280006, "US", 1)


def frames(data: bytes) -> tuple[Pixels, list[Any]]:
    found = NativeFrames(ImageHeader.of(open_dataset(BufferSource(data))))
    return found.pixels, [decoded() for decoded in found]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED, BIG])
@pytest.mark.parametrize(
    ("image", "vr"),
    [
        (Image(5, 4, bits=8, frames=3), "OB"),
        (Image(5, 3, bits=8, frames=3), "OB"),
        (Image(5, 4, bits=16, frames=2, signed=1), "OW"),
        (Image(5, 3, bits=8, samples=3, colours="RGB", frames=3), "OB"),
        (Image(5, 3, bits=8, samples=3, colours="YBR_FULL"), "OB"),
        (Image(5, 4, bits=16, samples=3, colours="RGB"), "OW"),
        (Image(5, 3, bits=1, frames=7), "OB"),
        (Image(1, 1, bits=1, frames=17), "OB"),
    ],
)
def test_frames_are_what_pydicom_reads(image: Image, vr: str, syntax: str) -> None:
    data = image_file(image, image.pixels(), INTERLEAVED, vr=vr, syntax=syntax)
    pixels, found = frames(data)
    expected = pixels_by_pydicom(data)
    assert np.array_equal(np.stack(found) if image.frames > 1 else found[0], expected)
    assert pixels.number_of_frames == len(found) == image.frames
    assert all(each.dtype.itemsize == max(image.bits // 8, 1) for each in found)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
@pytest.mark.parametrize("bits", [8, 16])
def test_planes_become_pixels(bits: int, syntax: str) -> None:
    image = Image(5, 3, bits=bits, samples=3, colours="RGB", frames=2)
    data = image_file(image, image.pixels(), PLANAR, vr="OW" if bits == 16 else "OB", syntax=syntax)
    pixels, found = frames(data)
    assert np.array_equal(np.stack(found), pixels_by_pydicom(data))
    assert pixels.planar_configuration == 0


@pytest.mark.parametrize("image", [Image(5, 3, bits=8, frames=3), Image(3, 3, bits=1, frames=5)])
def test_bytes_in_words_of_big_endian_are_swapped(image: Image) -> None:
    value = image.pixels()
    swapped = np.frombuffer(value, ">u2").astype("<u2").tobytes()
    _, little = frames(image_file(image, value, vr="OW"))
    _, big = frames(image_file(image, swapped, vr="OW", syntax=BIG))
    assert np.array_equal(little, big)


def test_words_of_32_bits_in_big_endian_are_two_words_of_16() -> None:
    value = np.arange(20, dtype="<u4") * 123456789
    swapped = np.frombuffer(value.tobytes(), ">u2").astype("<u2").tobytes()
    _, found = frames(image_file(Image(5, 4, bits=32), swapped, syntax=BIG))
    assert np.array_equal(found[0], value.reshape(5, 4))


def test_two_pixels_that_share_their_colours_get_them_each() -> None:
    image = Image(2, 4, bits=8, samples=3, colours="YBR_FULL_422", frames=2)
    value = bytes(range(32))
    pixels, found = frames(image_file(image, value, vr="OB"))
    assert pixels.photometric_interpretation == "YBR_FULL"
    assert found[0][0].tolist() == [[0, 2, 3], [1, 2, 3], [4, 6, 7], [5, 6, 7]]
    assert found[1][1, 3].tolist() == [29, 30, 31]


def test_pixels_that_only_say_that_they_share_their_colours_have_their_own() -> None:
    image = Image(2, 3, bits=8, samples=3, colours="YBR_FULL_422")
    pixels, found = frames(image_file(image, bytes(range(18)), vr="OB"))
    assert pixels.photometric_interpretation == "YBR_FULL"
    assert found[0].tobytes() == bytes(range(18))


@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\0"])
def test_what_pads_the_pixels_is_no_frame(tail: bytes) -> None:
    image = Image(3, 3, bits=8, frames=3)
    _, found = frames(image_file(image, image.pixels(tail), vr="OB"))
    assert [each.tobytes() for each in found] == [image.pixels()[n : n + 9] for n in (0, 9, 18)]


@pytest.mark.parametrize(
    ("image", "value"),
    [
        (Image(3, 3, bits=8, frames=3), bytes(26)),
        (Image(3, 3, bits=8, frames=3), bytes(36)),
        (Image(3, 3, bits=8, frames=10**9), bytes(28)),
        (Image(65535, 65535, bits=16), bytes(28)),
        (Image(2, 3, bits=8, samples=3, colours="YBR_FULL_422"), bytes(12)),
    ],
)
def test_another_number_of_bytes_is_refused(image: Image, value: bytes) -> None:
    with pytest.raises(TranscodingError):
        frames(image_file(image, value, vr="OB"))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 8, 16]), st.data())
def test_frames_are_written_as_they_were_read(
    rows: int, columns: int, number: int, bits: int, data: st.DataObject
) -> None:
    image = Image(rows, columns, bits=bits, frames=number)
    value = bytearray(data.draw(st.binary(min_size=image.size, max_size=image.size)))
    if image.frame_bits * number % 8:
        value[-1] &= (1 << image.frame_bits * number % 8) - 1
    syntax = data.draw(st.sampled_from([EXPLICIT, BIG]))
    file = image_file(
        image, bytes(value) + b"\0" * (len(value) % 2), vr="OB" if bits < 16 else "OW", syntax=syntax
    )
    pixels, found = frames(file)
    writing = NativeWriting(pixels, syntax)
    parts = writing.joined(map(writing.encoded, found), BufferSource(b"").scratch)
    assert EditScript.of(parts.parts).join(BufferSource(b"")) == bytes(value) + b"\0" * (len(value) % 2)


def test_more_native_pixels_than_a_value_can_have_are_refused() -> None:
    pixels = Pixels(rows=65535, columns=32767, bits_allocated=16, bits_stored=16, high_bit=15)
    NativeWriting(pixels, EXPLICIT)
    with pytest.raises(TranscodingError):
        NativeWriting(replace(pixels, number_of_frames=2), EXPLICIT)
