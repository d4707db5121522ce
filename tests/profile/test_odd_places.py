"""Identifying values in places and encodings where a walker might not look."""

from __future__ import annotations

import pytest

from tests.dicom_factory import EXPLICIT, Element
from tests.profile.instances import ENHANCED_MR, NAME, bytes_of, changed, text
from tests.profile.products import ENCODINGS, product
from tests.profile.readings import Reading

SURNAME = b"Zorblatt"
NAMED = Element(0x00100010, "PN", NAME)
RELATED_SERIES, SOURCE_INSTANCE, DERIVATION_CODE = 0x00081250, 0x00420013, 0x00089215


@pytest.mark.parametrize("syntax", ENCODINGS)
@pytest.mark.parametrize("undefined", [False, True])
def test_a_name_four_sequences_down_goes(syntax: str, undefined: bool) -> None:  # noqa: FBT001 - a parameter
    nested = NAMED
    for tag in (DERIVATION_CODE, 0x00081140, DERIVATION_CODE, RELATED_SERIES):
        nested = Element(tag, "SQ", [[nested]], undefined=undefined)
    written = product(bytes_of(nested, syntax=syntax))
    assert SURNAME not in written
    assert (RELATED_SERIES, 0, DERIVATION_CODE, 0, 0x00081140, 0, DERIVATION_CODE) in Reading(
        written
    ).elements


def test_request_attributes_with_accession_and_physician_go() -> None:
    request = [Element(0x00080050, "SH", "A-77431905"), Element(0x00321032, "PN", NAME)]
    found = changed(Element(0x00400275, "SQ", [request]))
    assert (0x00400275,) not in found.elements
    assert b"77431905" not in found.data
    assert SURNAME not in found.data


def test_the_time_of_every_frame_becomes_a_dummy() -> None:
    def frame(second: int) -> list[Element]:
        return [
            Element(
                0x00209111,
                "SQ",
                [
                    [
                        Element(0x00189074, "DT", f"20200102030405.{second:03d}"),
                        Element(0x00189151, "DT", f"20200102030406.{second:03d}"),
                        Element(0x00209157, "UL", second + 1),
                    ]
                ],
            )
        ]

    found = changed(Element(0x52009230, "SQ", [frame(n) for n in range(3)]), sop_class=ENHANCED_MR)
    assert b"20200102" not in found.data
    for number in range(3):
        for tag in (0x00189074, 0x00189151):
            assert len(text(found, 0x52009230, number, 0x00209111, 0, tag)) >= 14
        assert found.elements[0x52009230, number, 0x00209111, 0, 0x00209157].value[0] == number + 1


@pytest.mark.parametrize("undefined", [False, True])
def test_a_public_sequence_sent_as_unknown_is_acted_on(undefined: bool) -> None:  # noqa: FBT001 - as above
    item = [
        Element(0x0020000D, "UI", "1.2.3.4"),
        Element(0x0020000E, "UI", "1.2.3.4.5.9"),
        Element(0x00100010, "PN", NAME),
    ]
    data = bytes_of(Element(RELATED_SERIES, "SQ", [item], undefined=undefined, unknown=True))
    written = product(data)
    assert SURNAME not in written
    assert b"1.2.3.4.5.9" not in written
    assert written.count(b"2.25.") >= 6  # the two in the item as well


def test_an_attribute_sent_as_unknown_has_the_outcome_of_its_dictionary_vr() -> None:
    found = changed(
        Element(0x00120010, "LO", "Zorblatt Trust ", unknown=True),  # D
        Element(0x00104000, "LT", "Zorblatt", unknown=True),  # X
        Element(0x00200052, "UI", "1.2.3.9\0", unknown=True),  # U
        Element(0x00080090, "PN", "Zorblatt", unknown=True),  # Z
        Element(0x00080070, "LO", "ACME", unknown=True),  # not in the table
    )
    assert SURNAME not in found.data
    assert found.elements[0x00120010,].vr in {"LO", "UN"}
    assert text(found, 0x00120010)
    assert (0x00104000,) not in found.elements
    assert text(found, 0x00200052).startswith("2.25.")
    assert found.elements[0x00080090,].value == b""
    assert text(found, 0x00080070) == "ACME"


def test_empty_sequences_and_empty_items_stay_legal() -> None:
    found = changed(Element(RELATED_SERIES, "SQ", []), Element(DERIVATION_CODE, "SQ", [[], []]))
    assert found.elements[RELATED_SERIES,].items == 0
    assert found.elements[DERIVATION_CODE,].items == 2
    assert EXPLICIT.encode() in found.data
