"""Sequences under tags that are none: whatever a reader opens is opened, or refused."""

from __future__ import annotations

import pytest

from dicomorph.dicom.frames.image_pixel import IMAGE_PIXEL
from dicomorph.dicom.frames.pixel_data import PIXEL_ELEMENTS
from dicomorph.dicom.standard import dictionary
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import SOP_CLASS_UID, SOP_INSTANCE_UID, SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import DicomorphError
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.edits import rewriter

IDENTITY = [Element(0x00100010, "PN", "Doe^John"), Element(0x00100020, "LO", "P1")]
OVERLAY_BIT_POSITION = 0x60000102
KNOWN_IN_0018 = sorted((int(tag, 16) for tag in dictionary._public() if tag.startswith("0018")), reverse=True)
FIRST_OF_EACH_VR = {vr_of(tag): tag for tag in (*KNOWN_IN_0018, 0x00180001)}.values()  # the last is unknown
TAGS = sorted(
    {
        *FIRST_OF_EACH_VR,
        *PIXEL_ELEMENTS,
        *IMAGE_PIXEL,
        *(SOP_CLASS_UID, SOP_INSTANCE_UID, SPECIFIC_CHARACTER_SET, OVERLAY_BIT_POSITION, 0x00080008),
    }
)


def sequence(tag: int, vr: str, syntax: str, *, undefined: bool) -> Element:
    """Return a sequence under a VR; behind UN it is in implicit VR, or in big endian as all of the file."""
    if vr == "SQ":
        return Element(tag, "SQ", [IDENTITY], undefined=undefined)
    whole = encode([Element(tag, "SQ", [IDENTITY])], BIG if syntax == BIG else IMPLICIT)
    return Element(tag, "UN", whole[12 if syntax == BIG else 8 :], undefined=undefined)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
@pytest.mark.parametrize(("vr", "undefined"), [("SQ", False), ("SQ", True), ("UN", True)])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_sequence_under_any_tag_is_opened_or_refused(
    syntax: str,
    vr: str,
    undefined: bool,  # noqa: FBT001
    depth: int,
) -> None:
    engine, refused = rewriter({}), 0
    for tag in TAGS:
        body = [sequence(tag, vr, syntax, undefined=undefined)]
        for _ in range(depth):
            body = [Element(0x00880200, "SQ", [body])]
        source = BufferSource(part10(encode(body, syntax), syntax))
        try:
            output = engine.rewrite(source).join(source)
        except DicomorphError:
            refused += 1
            continue
        assert b"Doe^John" not in output, f"{tag:08x}"
    assert refused < len(TAGS)
