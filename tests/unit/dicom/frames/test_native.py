"""What is behind the last pixel of native pixel data leaves when anonymizing, and nothing of an image."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.codestreams import SECRET, encapsulated, even, jpeg, segment
from tests.support.edits import WindowedSource, anonymized, modified, rewriter
from tests.support.images import (
    DOUBLE_FLOAT_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    Image,
    image_file,
    pixels_of,
)

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
TAIL = SECRET  # of an even length
COLOUR = Image(samples=3, bits=8, colours="RGB")
HALVED = Image(samples=2, bits=8)  # as many bytes as YBR_FULL_422 takes
IMAGES = {
    "16 bits": Image(),
    "8 bits, odd": Image(rows=7, columns=9, bits=8),
    "32 bits": Image(bits=32),
    "64 bits": Image(bits=64),
    "12 bits, packed": Image(rows=15, columns=11, bits=12),
    "colours": COLOUR,
    "frames": Image(frames=3),
    "odd frames": Image(rows=7, columns=9, bits=8, frames=3),
    "bits": Image(rows=33, columns=31, bits=1),
    "frames of bits": Image(rows=13, columns=11, bits=1, frames=7),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_what_is_behind_the_last_pixel_leaves(image: Image, syntax: str) -> None:
    tail = TAIL if image.bits != 1 else TAIL[:2]  # shorter than a frame
    data = image_file(image, image.pixels(tail), syntax=syntax)
    assert pixels_of(anonymized(data)) == image.pixels()
    assert pixels_of(modified(data)) == image.pixels(tail)
    good = image_file(image, image.pixels(), syntax=syntax)
    assert anonymized(data) == anonymized(good)


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_a_whole_frame_too_much_is_refused(image: Image) -> None:
    frame = -(-image.frame_bits // 8) + 1
    data = image_file(image, image.pixels(even(bytes(frame))))
    with pytest.raises(BadFileFormatError, match="7fe0,0010 holds more"):
        anonymized(data)
    assert pixels_of(modified(data)) == image.pixels(even(bytes(frame)))


@pytest.mark.parametrize("vr", ["OB", "OW", "UN", "US", "SS", "LT", "OF", "OV"])
def test_the_vr_does_not_matter(vr: str) -> None:
    image = Image()
    data = image_file(image, image.pixels(TAIL), vr=vr)
    assert SECRET not in anonymized(data)
    assert image.pixels() in anonymized(data)
    assert SECRET in modified(data)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("tag", "vr", "bits"), [(FLOAT_PIXEL_DATA, "OF", 32), (DOUBLE_FLOAT_PIXEL_DATA, "OD", 64)]
)
def test_floats_have_the_size_that_their_name_says(tag: int, vr: str, bits: int, syntax: str) -> None:
    image = Image(bits=bits, frames=2)
    declared = replace(image, bits=16)  # not what counts
    data = image_file(declared, image.pixels(TAIL), tag=tag, vr=vr, syntax=syntax)
    assert pixels_of(anonymized(data), tag) == image.pixels()


@pytest.mark.parametrize("colours", ["YBR_FULL_422", "YBR_PARTIAL_422"])
def test_two_pixels_may_share_their_colours(colours: str) -> None:
    declared = replace(COLOUR, colours=colours, frames=2)
    shared, whole = replace(HALVED, frames=2), replace(COLOUR, frames=2)
    for pixels in (shared.pixels(), whole.pixels()):  # decompressed images say so and do not do so
        data = image_file(declared, pixels, vr="OB")
        assert pixels_of(anonymized(data)) == pixels
    assert pixels_of(anonymized(image_file(declared, shared.pixels(TAIL), vr="OB"))) == shared.pixels()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (Element(0x00280008, "IS", ""), Image()),
        (Element(0x00280008, "IS", "1A"), Image()),
        (Element(0x00280008, "UN", b"2 "), Image(frames=2)),
        (Element(0x00280008, "US", 2), Image(frames=2)),
        (Element(0x00280008, "DS", " 2 "), Image(frames=2)),
        (Element(0x00280010, "UN", b"\x10\0"), Image()),
        (Element(0x00280010, "UL", 16), Image()),
        (Element(0x00280010, "IS", "16"), Image()),
        (Element(0x00280011, "SS", 10), Image()),
        (Element(0x00280100, "OW", b"\x10\0"), Image()),
        (Element(0x00280010, "US", b"\x10\0" * 100), Image()),
    ],
)
def test_attributes_of_the_image_are_read_whatever_their_vr(attribute: Element, value: Image) -> None:
    data = image_file(Image(), value.pixels(TAIL), attribute)
    assert pixels_of(anonymized(data)) == value.pixels()


def test_samples_are_counted_by_the_colours_if_nothing_else_says_it() -> None:
    data = image_file(COLOUR, COLOUR.pixels(TAIL), Element(0x00280002, "US", b""), vr="OB")
    assert pixels_of(anonymized(data)) == COLOUR.pixels()


@pytest.mark.parametrize(
    "body",
    [
        {"Replace": {"Rows": "3"}, "Force": True},
        {"Remove": ["Rows", "NumberOfFrames"]},
        {"Replace": {"NumberOfFrames": "77"}},
        {"Replace": {"0028,0009": "0018,1063"}},  # inserted among them
    ],
)
def test_the_source_says_how_long_its_pixels_are_whatever_becomes_of_its_attributes(body: dict) -> None:  # type: ignore[type-arg]
    image = Image(frames=3)
    data = image_file(image, image.pixels(TAIL))
    assert pixels_of(anonymized(data, **body)) == image.pixels()


@pytest.mark.parametrize("length", [2, 100, 318])
def test_pixels_that_are_cut_off_stay(length: int) -> None:
    data = image_file(Image(), Image().pixels()[:length])
    assert pixels_of(anonymized(data)) == Image().pixels()[:length]


def test_pixels_that_nothing_describes_stay() -> None:
    data = image_file(Image(), bytes(40), Element(0x00280010, "US", b""))
    assert pixels_of(anonymized(data)) == bytes(40)


@pytest.mark.parametrize("first", [FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA])
def test_two_attributes_with_pixels_are_refused(first: int) -> None:
    image = Image(bits=32)
    other = Element(first, "OF" if first == FLOAT_PIXEL_DATA else "OD", SECRET)
    with pytest.raises(BadFileFormatError, match="beside other pixel data"):
        anonymized(image_file(image, image.pixels(), other))
    anonymized(image_file(image, image.pixels(), replace(other, value=b"")))
    assert SECRET in modified(image_file(image, image.pixels(), other))
    assert SECRET not in anonymized(
        image_file(image, image.pixels(), other), Remove=["7FE0,000" + "89"[first & 1]]
    )


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"])
def test_a_frame_without_an_item_is_cleaned(syntax: str) -> None:
    image, dirty = Image(100, 100), jpeg(head=segment(0xFE, SECRET), between=segment(0xE1, SECRET))
    data = image_file(image, even(dirty), vr="OB", syntax=syntax)
    assert pixels_of(anonymized(data)) == even(jpeg())
    assert pixels_of(modified(data)) == even(dirty)
    good = image_file(image, even(jpeg()), vr="OB", syntax=syntax)
    assert pixels_of(anonymized(good)) == even(jpeg())
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(image_file(image, b"\xff\xd8\xff\xdb\0\4\0\0" + SECRET, vr="OB", syntax=syntax))


def test_pixels_are_not_taken_for_a_frame_though_they_begin_like_one() -> None:
    pixels = b"\xff\xd8\xff\xfe" + Image().pixels()[4:]
    data = image_file(Image(), pixels)
    assert pixels_of(anonymized(data)) == pixels


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.8.1"]
)
def test_pixels_that_are_not_compressed_though_they_should_be_are_cut_as_well(syntax: str) -> None:
    data = image_file(Image(), Image().pixels(TAIL), syntax=syntax)
    assert pixels_of(anonymized(data)) == Image().pixels()


@pytest.mark.parametrize("surplus", [0, 1, 100])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_the_end_is_found_through_a_window(
    syntax: str, surplus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.dicom.stream.windows.WINDOW", 16)
    image = Image(1000, 1000)
    data = image_file(image, image.pixels(TAIL), syntax=syntax)
    source = WindowedSource(data, surplus)
    script = rewriter({}).rewrite(source)
    assert source.shown < (1 << 20) + 20_000, (
        "of the pixels nothing is read, beyond what is looked at for group 0002"
    )
    assert script.join(source) == anonymized(data)
    assert SECRET not in script.join(source)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, "1.2.840.10008.1.2.4.50"])
def test_fragments_in_a_value_of_defined_length_are_refused(syntax: str) -> None:
    order = ">" if syntax == BIG else "<"
    value = b"".join(
        struct.pack(order + "HHI", 0xFFFE, 0xE000, len(one)) + one for one in (b"", even(jpeg()))
    )
    data = image_file(Image(100, 100), value, vr="OB", syntax=syntax)
    with pytest.raises(BadFileFormatError, match="length as a whole"):
        anonymized(data)
    assert pixels_of(modified(data)) == value


@pytest.mark.parametrize("value", [b"\0\0" + jpeg(head=segment(0xFE, SECRET)), SECRET * 20])
def test_what_is_neither_a_frame_nor_native_is_refused_where_frames_should_be(value: bytes) -> None:
    data = image_file(Image(100, 100), even(value), vr="OB", syntax="1.2.840.10008.1.2.4.50")
    with pytest.raises(BadFileFormatError, match="neither native nor a frame"):
        anonymized(data)
    assert pixels_of(modified(data)) == even(value)


@pytest.mark.parametrize("tag", [FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA])
def test_floats_in_fragments_are_refused(tag: int) -> None:
    data = image_file(Image(bits=32), encapsulated([SECRET]), tag=tag, vr="OF", undefined=True)
    with pytest.raises(BadFileFormatError):
        anonymized(data)
