"""What an upload learns from a file: identifiers, main tags, metadata (spec 1.2 to 1.4, 2.2)."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import Description, describe
from dicomorph.model.errors import BadFileFormatError, InexistentTagError
from dicomorph.model.main_dicom_tags import MAIN_DICOM_TAGS
from dicomorph.model.resources import LEVELS, Level
from tests.dicom_factory import (
    BIG,
    CT_IMAGE_STORAGE,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    SYNTAXES,
    Element,
    encode,
    part10,
    rich_file,
)
from tests.support.edits import WindowedSource

UIDS = [
    Element(0x00080018, "UI", "1.2.3.4"),
    Element(0x0020000D, "UI", "1.2"),
    Element(0x0020000E, "UI", "1.2.3"),
]


def described(data: bytes) -> Description:
    return describe(BufferSource(data), default_encoding="Latin1")


def with_elements(*more: Element, syntax: str = EXPLICIT) -> Description:
    elements = sorted([*UIDS, *more], key=lambda element: element.tag)
    return described(part10(encode(elements, syntax), syntax))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192"])
def test_every_syntax_tells_the_same(syntax: str, charset: str) -> None:
    found = described(rich_file(syntax=syntax, charset=charset))
    assert found.facts[Level.INSTANCE].metadata["TransferSyntax"] == syntax
    assert found.facts[Level.INSTANCE].metadata["SopClassUid"] == CT_IMAGE_STORAGE
    assert found.facts[Level.PATIENT].main_tags["0010,0010"] == "Müller^Élodie"
    assert found.facts[Level.PATIENT].main_tags["0010,0020"] == "P1"
    assert found.facts[Level.STUDY].main_tags["0008,0090"] == "", "present and empty"
    assert "0008,0050" not in found.facts[Level.STUDY].main_tags, "absent"
    assert found.facts[Level.INSTANCE].metadata["IndexInSeries"] == "1"
    assert found.facts[Level.INSTANCE].metadata["TransferSyntax"] == syntax


def test_the_signature_lists_the_main_tags_of_its_level() -> None:
    found = described(rich_file())
    for level in LEVELS:
        tags = found.facts[level].metadata["MainDicomTagsSignature"].split(";")
        assert tags == sorted(tags)
        assert len(tags) == len(MAIN_DICOM_TAGS[level])


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, JPEG])
def test_the_offset_of_the_pixel_data_is_that_of_their_element(syntax: str) -> None:
    data = rich_file(syntax=syntax)
    offset = int(described(data).facts[Level.INSTANCE].metadata["PixelDataOffset"])
    assert data[offset : offset + 4] == (b"\x7f\xe0\0\x10" if syntax == BIG else b"\xe0\x7f\x10\0")
    assert "PixelDataOffset" not in described(rich_file(syntax=DEFLATED)).facts[Level.INSTANCE].metadata
    assert "PixelDataOffset" not in with_elements().facts[Level.INSTANCE].metadata


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([], None),
        ([Element(0x00201002, "IS", "6"), Element(0x00200105, "IS", "7")], "42"),
        ([Element(0x00540081, "US", 3), Element(0x00540101, "US", 5)], "15"),
        ([Element(0x00181090, "IS", "20")], "20"),
        ([Element(0x00181090, "IS", "0")], None),
        ([Element(0x00181090, "IS", "-3")], None),
        ([Element(0x00181090, "IS", "many")], None),
        ([Element(0x00201002, "IS", "6")], None),
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_the_expected_number_of_instances(elements: list[Element], expected: str | None, syntax: str) -> None:
    found = with_elements(*elements, syntax=syntax).facts[Level.SERIES].metadata
    assert found.get("ExpectedNumberOfInstances") == expected


@pytest.mark.parametrize(
    ("elements", "index"),
    [
        ([], None),
        ([Element(0x00200013, "IS", " 12 ")], "12"),
        ([Element(0x00541330, "US", 9)], "9"),
        ([Element(0x00200013, "IS", "1"), Element(0x00541330, "US", 9)], "1"),
    ],
)
def test_the_index_in_the_series(elements: list[Element], index: str | None) -> None:
    assert with_elements(*elements).facts[Level.INSTANCE].metadata.get("IndexInSeries") == index


@pytest.mark.parametrize("missing", range(3))
def test_an_absent_uid_is_an_inexistent_tag(missing: int) -> None:
    elements = [uid for at, uid in enumerate(UIDS) if at != missing]
    with pytest.raises(InexistentTagError) as caught:
        described(part10(encode(elements)))
    assert caught.value.code == 21


@pytest.mark.parametrize("empty", range(3))
@pytest.mark.parametrize("raw", [b"", b"\0\0", b"  "])
def test_an_empty_uid_is_a_bad_file(empty: int, raw: bytes) -> None:
    elements = [Element(uid.tag, "UI", raw) if at == empty else uid for at, uid in enumerate(UIDS)]
    with pytest.raises(BadFileFormatError) as caught:
        described(part10(encode(elements)))
    assert caught.value.code == 15


def test_any_text_is_a_uid() -> None:
    elements = [Element(uid.tag, "UI", "Hello4") for uid in UIDS]
    assert described(part10(encode(elements))).identifiers.sop_instance_uid == "Hello4"


@pytest.mark.parametrize("data", [b"", b"no DICOM", bytes(500), b"PK\3\4" + bytes(500), b"{}"])
def test_what_is_not_dicom_is_a_bad_file(data: bytes) -> None:
    with pytest.raises(BadFileFormatError):
        described(data)


def test_details_of_errors_hold_no_values() -> None:
    elements: list[Any] = [Element(0x00100010, "PN", "Secret^Name"), Element(0x0020000D, "UI", "1.2")]
    with pytest.raises(InexistentTagError) as caught:
        described(part10(encode(elements)))
    assert "Secret" not in caught.value.details


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_cut_off_in_its_pixel_data_still_has_a_header(syntax: str) -> None:
    data = rich_file(syntax=syntax)
    for stop in range(0, len(data), 7):
        try:
            found = described(data[:stop])
        except (BadFileFormatError, InexistentTagError):
            continue
        assert found.identifiers == described(data).identifiers


def test_only_the_header_of_a_large_file_is_read() -> None:
    elements = [*UIDS, Element(0x7FE00010, "OW", bytes(1 << 22)), Element(0x7FE10010, "LO", "TAIL")]
    source = WindowedSource(part10(encode(sorted(elements, key=lambda element: element.tag))))
    assert describe(source, default_encoding="Latin1").identifiers.sop_instance_uid == "1.2.3.4"
    assert source.largest <= 1 << 20
