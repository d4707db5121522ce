"""What a product says of its pixels, and that something was lost."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest

from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.images import Image, image_file
from tests.support.pixel_kinds import Kind
from tests.support.transcoded import RLE, pixels_by_pydicom, read, transcoded

JPEG, JPEG_EXTENDED, NEAR_LOSSLESS = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 81))
JPEG_2000, HTJ2K = (f"1.2.840.10008.1.2.4.{n}" for n in (91, 203))
METHODS = {
    JPEG: "ISO_10918_1",
    JPEG_EXTENDED: "ISO_10918_1",
    NEAR_LOSSLESS: "ISO_14495_1",
    JPEG_2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
LOSSLESS = [RLE, *(f"1.2.840.10008.1.2.4.{n}" for n in (57, 70, 80, 90, 201, 202))]
LOSSY_TAGS = {0x00282110, 0x00282112, 0x00282114, 0x00082111, 0x00089215, 0x00082112}
IMAGE = Image(16, 16, bits=8)
SMOOTH = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8).tobytes()
TYPE = Element(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]


def gray(*more: Element, syntax: str = EXPLICIT, frames: int = 1) -> bytes:
    image = Image(16, 16, bits=8, frames=frames)
    return image_file(image, SMOOTH * frames, *more, vr="OB", syntax=syntax)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_a_lossless_product_is_the_same_image(syntax: str) -> None:
    found = read(transcoded(gray(TYPE), syntax, uid="1.9"))
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert "\\".join(found.ImageType) == TYPE.value
    assert not LOSSY_TAGS & set(found.keys())


@pytest.mark.parametrize("syntax", list(METHODS))
def test_a_lossy_product_is_another_image_and_says_why(syntax: str) -> None:
    data = gray(TYPE, frames=3)
    found = read(transcoded(data, syntax, uid="1.9"))
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID == "1.9"
    assert list(found.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]
    assert found.LossyImageCompression == "01"
    assert found.LossyImageCompressionMethod == METHODS[syntax]
    frames = 3 * 256 / float(found.LossyImageCompressionRatio)
    items = len(found.PixelData) - 3 * 8 - (8 + 12)  # of the frames, and that of the table
    assert items - 3 - 1 <= frames <= items + 1
    [code] = found.DerivationCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113040", "DCM")
    assert code.CodeMeaning == "Lossy Compression"
    assert found.DerivationDescription.endswith(f"ratio {found.LossyImageCompressionRatio}")


@pytest.mark.parametrize(
    ("source", "ratios", "methods", "expected"),
    [
        (EXPLICIT, ["12.5"], [], [""]),
        (EXPLICIT, ["12.5", "3"], ["ISO_15444_1"], ["ISO_15444_1", ""]),
        (EXPLICIT, [], ["ISO_15444_1"], ["ISO_15444_1"]),
        (JPEG, ["12.5"], [], ["ISO_10918_1"]),
        (JPEG, ["12.5", "3"], ["ISO_15444_1"], ["ISO_15444_1", "ISO_10918_1"]),
        (JPEG, ["12.5", "3", "2"], ["ISO_15444_1"], ["ISO_15444_1", "", ""]),
        (JPEG, [], ["ISO_15444_1", "ISO_10918_1"], ["ISO_15444_1", "ISO_10918_1"]),
    ],
)
def test_ratios_and_methods_belong_together_where_some_were_missing(
    source: str, ratios: list[str], methods: list[str], expected: list[str]
) -> None:
    held = read(transcoded(gray(), source))
    held.LossyImageCompressionRatio, held.LossyImageCompressionMethod = ratios, methods
    file = BytesIO()
    held.save_as(file)
    found = read(transcoded(file.getvalue(), NEAR_LOSSLESS))
    values = [found.get_item(tag).value.decode().rstrip().split("\\") for tag in (0x00282112, 0x00282114)]
    assert values[1] == [*expected, "ISO_14495_1"]
    assert values[0][:-1] == ratios + [""] * (len(expected) - len(ratios))


def test_without_a_new_uid_the_old_one_stays() -> None:
    assert read(transcoded(gray(), JPEG)).SOPInstanceUID == "1.2.3"


def test_an_image_without_a_type_is_derived() -> None:
    assert list(read(transcoded(gray(), JPEG)).ImageType) == ["DERIVED", "SECONDARY"]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_earlier_step_stays_before_the_new_one(syntax: str) -> None:
    code = [
        Element(0x00080100, "SH", "113076"),
        Element(0x00080102, "SH", "DCM"),
        Element(0x00080104, "LO", "Segmentation"),
    ]
    earlier = [
        Element(0x00082111, "ST", "Segmented"),
        Element(0x00089215, "SQ", [code], undefined=syntax == IMPLICIT),
        Element(0x00282110, "CS", "01"),
        Element(0x00282112, "DS", "12.5\\3"),
        Element(0x00282114, "CS", "ISO_10918_1\\ISO_15444_1"),
    ]
    found = read(transcoded(gray(*earlier, syntax=syntax), NEAR_LOSSLESS))
    assert list(found.LossyImageCompressionMethod) == ["ISO_10918_1", "ISO_15444_1", "ISO_14495_1"]
    assert found.LossyImageCompressionRatio[:2] == [12.5, 3]
    assert len(found.LossyImageCompressionRatio) == 3
    assert found.DerivationDescription.startswith("Segmented; JPEG-LS near-lossless")
    assert [each.CodeValue for each in found.DerivationCodeSequence] == ["113076", "113040"]
    assert found.PixelData


def test_what_has_no_room_for_another_step_stays_as_it_is() -> None:
    full = "x" * 1020
    assert read(transcoded(gray(Element(0x00082111, "ST", full)), JPEG)).DerivationDescription == full


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_was_lost_stays_lost_in_native_pixels(syntax: str) -> None:
    lossy = transcoded(gray(TYPE), JPEG, uid="1.9")
    found, before = read(transcoded(lossy, syntax)), read(lossy)
    for tag in (*(LOSSY_TAGS & set(before.keys())), 0x00080008, 0x00080018):
        assert found[tag].value == before[tag].value


def test_lossless_after_lossy_appends_nothing() -> None:
    lossy = transcoded(gray(TYPE), JPEG, uid="1.9")
    found, before = read(transcoded(lossy, RLE, uid="1.10")), read(lossy)
    assert found.SOPInstanceUID == "1.9"
    assert found.LossyImageCompressionRatio == before.LossyImageCompressionRatio


@pytest.mark.parametrize(("quality", "same"), [(0, 1), (-5, 1), (101, 100), (10**9, 100)])
def test_a_quality_out_of_range_is_the_nearest_bound(quality: int, same: int) -> None:
    assert transcoded(gray(), JPEG, quality=quality) == transcoded(gray(), JPEG, quality=same)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("syntax", [*LOSSLESS, *METHODS])
def test_colours_are_described_as_the_transfer_syntax_has_them(syntax: str, planar: int) -> None:
    image = Image(16, 16, bits=8, samples=3, colours="RGB")
    data = image_file(image, SMOOTH * 3, Element(0x00280006, "US", planar), vr="OB")
    found = read(transcoded(data, syntax))
    # PS3.5 8.2: only RLE has planes; JPEG 2000 says which transformation of colours it used.
    assert found.PlanarConfiguration == (1 if syntax == RLE else 0)
    kinds = {
        JPEG: {"YBR_FULL_422", "RGB"},
        JPEG_EXTENDED: {"YBR_FULL_422", "RGB"},
        JPEG_2000: {"YBR_ICT"},
        HTJ2K: {"YBR_ICT"},
        **{f"1.2.840.10008.1.2.4.{n}": {"YBR_RCT"} for n in (90, 201, 202)},
    }
    assert found.PhotometricInterpretation in kinds.get(syntax, {"RGB"})
    native = read(transcoded(transcoded(data, syntax), EXPLICIT))
    assert native.PlanarConfiguration == 0
    assert native.PhotometricInterpretation == "RGB"
    assert native["PixelData"].VR == "OW"


@pytest.mark.parametrize(("bits", "written"), [(9, 12), (10, 12), (12, 12)])
def test_bits_that_a_lossy_codec_needs_are_stored(bits: int, written: int) -> None:
    kind = Kind(16, bits)
    found = read(transcoded(kind.file(kind.array()), JPEG_EXTENDED))
    assert (found.BitsAllocated, found.BitsStored, found.HighBit) == (16, written, written - 1)
    assert int(pixels_by_pydicom(transcoded(kind.file(kind.array()), JPEG_EXTENDED)).max()) < 1 << written


def test_a_gray_image_keeps_what_it_says_of_planes() -> None:
    found = read(transcoded(gray(Element(0x00280006, "US", 1)), RLE))
    assert found.PlanarConfiguration == 1
    assert 0x00280006 not in read(transcoded(gray(), RLE))


def test_elements_that_count_bytes_leave_with_what_they_count() -> None:
    counts = [Element(tag, "OV", bytes(8)) for tag in (0x7FE00001, 0x7FE00002)]
    data = transcoded(gray(), RLE)
    start = data.index(b"\xe0\x7f\x10\0OB")
    more = b"".join(
        element.tag.to_bytes(4, "little")[2:]
        + element.tag.to_bytes(4, "little")[:2]
        + b"OV\0\0\x08\0\0\0"
        + bytes(8)
        for element in counts
    )
    for syntax in (EXPLICIT, JPEG):
        assert not {0x7FE00001, 0x7FE00002} & set(
            read(transcoded(data[:start] + more + data[start:], syntax)).keys()
        )
