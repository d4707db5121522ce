"""Pixel data in items, native and in fragments, in every encoding and at every depth."""

from __future__ import annotations

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, encode, part10
from tests.support.codestreams import CLEAN, DIRTY, SECRET, encapsulated, even
from tests.support.edits import anonymized, modified
from tests.support.images import FLOAT_PIXEL_DATA, PIXEL_DATA, Image
from tests.support.run_lengths import rle

ICON, REFERENCED = 0x00880200, 0x00081140
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG]
IMAGE = Image(4, 5, bits=16)
KEEPING: list[dict[str, object]] = [
    {"DicomVersion": "2008"},
    {"Keep": ["IconImageSequence", "ReferencedImageSequence"]},
    {"DicomVersion": "2008", "Replace": {"IconImageSequence[*].BitsStored": "9"}},
]


def file_of(
    *elements: Element, syntax: str = EXPLICIT, depth: int = 1, undefined: bool = False, unknown: bool = False
) -> bytes:
    """Return a file with an icon of these elements, maybe in other items."""
    items = [[*elements, Element(0x7FE10010, "LO", "behind")]]
    found = Element(ICON, "SQ", items, undefined=undefined, unknown=unknown)
    for _ in range(depth - 1):
        found = Element(REFERENCED, "SQ", [[found]], undefined=undefined, unknown=unknown)
    return part10(encode([Element(0x00080018, "UI", "1.2.3"), found], syntax), syntax)


def icon(
    value: bytes, *more: Element, image: Image = IMAGE, undefined: bool = False, vr: str = "OB"
) -> list[Element]:
    """Return the elements of an icon."""
    pixels = Element(PIXEL_DATA, vr, value, undefined=undefined)
    return sorted([*image.elements(), *more, pixels], key=lambda one: one.tag)


@pytest.mark.parametrize(
    ("body", "depth"), [*((body, 1) for body in KEEPING), *((body, 3) for body in KEEPING[:2])]
)
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_behind_the_pixels_of_an_icon_leaves(
    syntax: str,
    undefined: bool,  # noqa: FBT001
    depth: int,
    body: dict[str, object],
) -> None:
    def file(pixels: bytes) -> bytes:
        return file_of(*icon(pixels, vr="OW"), syntax=syntax, depth=depth, undefined=undefined)

    good, dirty = file(IMAGE.pixels()), file(IMAGE.pixels(SECRET))
    assert anonymized(dirty, **body) == anonymized(good, **body)
    if syntax != DEFLATED:
        assert IMAGE.pixels() in anonymized(dirty, **body)
        assert modified(dirty).count(SECRET) == 1


@pytest.mark.parametrize("body", KEEPING[:2])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, JPEG])
def test_fragments_in_items_are_cleaned_whatever_the_encoding(
    syntax: str,
    unknown: bool,  # noqa: FBT001
    depth: int,
    body: dict[str, object],
) -> None:
    planes = [bytes(range(20)), bytes(20)]
    for dirty, clean in ((even(DIRTY), even(CLEAN)), (rle(*planes, gap=SECRET, tail=SECRET), rle(*planes))):
        files = [
            file_of(*icon(encapsulated([one]), undefined=True), syntax=syntax, depth=depth, unknown=unknown)
            for one in (dirty, clean)
        ]
        assert SECRET in modified(files[0])
        assert anonymized(files[0], **body) == anonymized(files[1], **body)
        assert clean in anonymized(files[0], **body)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_offset_tables_in_items_leave(syntax: str) -> None:
    tables = [Element(tag, "OV", SECRET + b"!!") for tag in (0x7FE00001, 0x7FE00002, 0x7FE00003)]
    files = [
        file_of(*icon(encapsulated([even(CLEAN)]), *more, undefined=True), syntax=syntax)
        for more in (tables, [])
    ]
    assert anonymized(files[0], DicomVersion="2008") == anonymized(files[1], DicomVersion="2008")
    assert SECRET in modified(files[0])


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    "elements",
    [
        icon(IMAGE.pixels(bytes(40))),
        icon(IMAGE.pixels(), Element(FLOAT_PIXEL_DATA, "OF", SECRET + b"!!")),
    ],
    ids=["a frame too much", "floats beside"],
)
def test_icons_that_hold_more_than_one_image_are_refused(elements: list[Element], syntax: str) -> None:
    data = file_of(*elements, syntax=syntax)
    with pytest.raises(BadFileFormatError, match="7fe0,00"):
        anonymized(data, DicomVersion="2008")
    modified(data)


def test_the_same_pixels_may_be_an_icon_of_another_size() -> None:
    value = Image(2, 2, bits=16).pixels(SECRET[:6])
    small, large = (file_of(*icon(value, image=Image(2, columns, bits=16))) for columns in (2, 3))
    assert SECRET[:6] not in anonymized(small, DicomVersion="2008")
    assert value[:12] in anonymized(large, DicomVersion="2008")
