"""The conformant editions hold kept values against their VR, and PatientID against the study."""

from __future__ import annotations

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.remarks import Remark
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, rewriter
from tests.support.small_files import every, nested, small_file, tree_of, value_of

THICKNESS, POSITION, BODY_PART, FRAMES = 0x00180050, 0x00200032, 0x00180015, 0x00280008
PURPOSE, RELATED_SERIES = 0x0040A170, 0x00081250
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
EDITIONS = ["2024b", "2025e", "2026d"]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("edition", EDITIONS)
def test_text_in_the_place_of_numbers_and_codes_goes_by_its_type(edition: str, syntax: str) -> None:
    thickness, part = Element(THICKNESS, "DS", "1.5 Jane"), Element(BODY_PART, "CS", "Jane Doe")
    data = small_file(thickness, part, nested(part), syntax=syntax)
    output = anonymized(data, DicomVersion=edition)
    assert b"Jane" not in output
    assert value_of(output, THICKNESS) == b"", "of type 2 in a CT image"
    assert BODY_PART not in tree_of(output), "of type 3"
    found = rewriter({"DicomVersion": edition}).rewrite(BufferSource(data))
    assert found.remarks == {Remark.UNFIT_VALUES}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_written_in_known_ways_stays(syntax: str) -> None:
    elements = [
        Element(THICKNESS, "DS", "1.5000000000000000001"),
        Element(BODY_PART, "CS", "Abdomen"),
        Element(0x00200013, "IS", "4.000000"),
    ]
    data = small_file(*elements, syntax=syntax)
    output = anonymized(data, DicomVersion="2026d")
    for element in elements:
        assert value_of(output, element.tag) == value_of(data, element.tag)
    assert rewriter({"DicomVersion": "2026d"}).rewrite(BufferSource(data)).remarks == frozenset()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vr", ["DS", "UN", "LO"])
def test_geometry_that_is_no_number_refuses_the_file(vr: str, syntax: str) -> None:
    with pytest.raises(BadFileFormatError, match="0020,0032"):
        anonymized(small_file(Element(POSITION, vr, "1\\2\\Jane"), syntax=syntax), DicomVersion="2026d")


def test_what_a_request_keeps_is_not_looked_at() -> None:
    part = Element(BODY_PART, "CS", "Jane Doe")
    output = anonymized(small_file(part, nested(part)), DicomVersion="2026d", Keep=["BodyPartExamined"])
    assert [node.value for node in every(output, BODY_PART)] == [b"Jane Doe"] * 2
    path = "RelatedSeriesSequence[*].BodyPartExamined"
    output = anonymized(small_file(part, nested(part)), DicomVersion="2026d", Keep=[path])
    assert BODY_PART not in tree_of(output)
    assert [node.value for node in every(output, BODY_PART)] == [b"Jane Doe"]


def test_orthancs_editions_look_at_no_value() -> None:
    part = Element(BODY_PART, "CS", "Jane Doe")
    assert value_of(anonymized(small_file(part), DicomVersion="2023b"), BODY_PART) == b"Jane Doe"


def test_an_absent_patient_id_is_made_up_unless_the_request_keeps_it() -> None:
    absent = small_file()
    at = absent.index(b"\x10\0\x20\0LO")
    absent = absent[:at] + absent[at + 12 :]
    kept = anonymized(absent, DicomVersion="2026d", Keep=["PatientID"], Force=True)
    assert 0x00100020 not in tree_of(kept)
    assert len(value_of(anonymized(absent, DicomVersion="2026d"), 0x00100020)) == 36
    assert 0x00100020 not in tree_of(anonymized(absent, DicomVersion="2023b"))
