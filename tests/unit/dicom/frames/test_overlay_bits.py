"""Overlays in unused bits of native pixels leave with their groups when anonymizing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dicomorph.dicom.stream.edit_script import EditedSource
from dicomorph.dicom.stream.masked_range import BitMask, MaskedRange
from dicomorph.dicom.stream.source import BufferSource
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.codestreams import JPEG_2000, encapsulated, even, fragments_of, jpeg_2000
from tests.support.edits import WindowedSource, anonymized, modified, rewriter
from tests.support.images import Image, image_file, pixels_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
SIZES = {8: "u1", 16: "u2", 32: "u4", 64: "u8"}


def overlay(position: int, group: int = 0x6000, *, data: bool = False) -> list[Element]:
    found = [
        Element(group << 16 | 0x0010, "US", 16),
        Element(group << 16 | 0x0100, "US", 16),
        Element(group << 16 | 0x0102, "US", position),
    ]
    return [*found, Element(group << 16 | 0x3000, "OW", bytes(20))] if data else found


def random_pixels(image: Image, syntax: str) -> np.ndarray:
    order = ">" if syntax == BIG else "<"
    count = image.rows * image.columns * image.samples * image.frames
    raw = np.random.default_rng(1).bytes(count * image.bits // 8)
    return np.frombuffer(raw, order + SIZES[image.bits])


def expected(pixels: np.ndarray, image: Image) -> bytes:
    """Return samples one by one, each as the number that it stands for."""
    limit = 1 << image.stored
    found = []
    for raw in pixels.tolist():
        sample = raw % limit
        if image.signed and sample >= limit // 2:
            sample += (1 << image.bits) - limit
        found.append(sample)
    return np.array(found, pixels.dtype).tobytes()


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("bits", "stored"), [(8, 7), (8, 1), (16, 8), (16, 12), (16, 15), (16, 5), (32, 24), (64, 33)]
)
def test_bits_above_the_samples_leave(bits: int, stored: int, syntax: str, signed: int) -> None:
    image = Image(9, 8, bits=bits, stored=stored, signed=signed, frames=2)
    pixels = random_pixels(image, syntax)
    for group, position in ((0x6000, stored), (0x601E, bits - 1)):
        data = image_file(image, pixels.tobytes(), *overlay(position, group), syntax=syntax)
        output = anonymized(data)
        assert pixels_of(output) == expected(pixels, image)
        assert pixels_of(modified(data)) == pixels.tobytes()
        assert output == anonymized(image_file(image, expected(pixels, image), syntax=syntax))


@pytest.mark.parametrize(
    "more",
    [
        [],
        overlay(0),
        overlay(11),
        overlay(16),
        overlay(12, data=True),
        overlay(12, 0x6001),
        [*overlay(0), *overlay(12, 0x6002, data=True)],
    ],
    ids=["none", "lowest bit", "highest bit", "outside", "with data", "private", "two"],
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_pixels_without_an_overlay_above_them_stay(more: list[Element], syntax: str) -> None:
    image = Image(stored=12)
    pixels = random_pixels(image, syntax).tobytes()
    assert pixels_of(anonymized(image_file(image, pixels, *more, syntax=syntax))) == pixels


def test_an_overlay_that_is_kept_stays_in_the_pixels() -> None:
    image = Image(stored=12)
    pixels = random_pixels(image, EXPLICIT).tobytes()
    data = image_file(image, pixels, *overlay(12))
    output = anonymized(data, Keep=["6000,0102"])
    assert pixels_of(output) == pixels


def test_what_describes_the_pixels_may_be_removed_or_absent() -> None:
    image = Image(stored=12)
    pixels = random_pixels(image, EXPLICIT)
    masked = expected(pixels, image)
    data = image_file(image, pixels.tobytes(), *overlay(12))
    assert pixels_of(anonymized(data, Remove=["HighBit", "BitsAllocated", "PixelRepresentation"])) == masked
    without = image_file(image, pixels.tobytes(), *overlay(12), Element(0x00280102, "US", b""))
    assert pixels_of(anonymized(without)) == masked, "the highest bit follows from how many are stored"


def test_what_is_behind_the_pixels_leaves_with_the_overlay() -> None:
    image = Image(stored=12)
    pixels = random_pixels(image, EXPLICIT)
    data = image_file(image, pixels.tobytes() + b"SECRET", *overlay(12))
    assert pixels_of(anonymized(data)) == expected(pixels, image)


def test_compressed_pixels_are_not_masked() -> None:
    data = image_file(
        Image(stored=12),
        encapsulated([even(jpeg_2000())]),
        *overlay(12),
        vr="OB",
        syntax=JPEG_2000,
        undefined=True,
    )
    assert fragments_of(anonymized(data)) == fragments_of(data)
    bare = image_file(replace(Image(100, 100), stored=12), even(jpeg_2000()), *overlay(12), vr="OB")
    assert pixels_of(anonymized(bare)) == even(jpeg_2000())


def test_masking_holds_little_in_memory_whatever_the_size() -> None:
    image = Image(1024, 1024, stored=12, frames=16)
    data = image_file(image, bytes(image.size), *overlay(12))
    source = WindowedSource(data)
    script = rewriter({}).rewrite(source)
    assert source.largest <= 1 << 20
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 4096
    assert max(map(len, script.chunks(source))) <= 1 << 20
    edited = EditedSource(source, script)
    whole = script.join(BufferSource(data))
    for start in (0, 1001, len(data) // 2 + 1, script.size - 3):
        assert edited.read(start, start + 77) == whole[start : start + 77]


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("length", [0, 1, 7, 16, 17])
def test_any_part_of_a_masked_range_can_be_read(size: int, length: int) -> None:
    raw = bytes(range(200, 200 + length + 3))
    mask = BitMask(size, "little", (1 << 3 * size) - 1, 1 << 3 * size - 1)
    part = MaskedRange(3, 3 + length, mask)
    source = BufferSource(raw)
    whole = b"".join(part.chunks(source.read))
    assert len(whole) == length
    for low in range(length):
        for high in range(low, length + 1):
            assert part.read(source.read, low, high) == whole[low:high]
