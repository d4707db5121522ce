"""Data sets as JSON: the three forms, every VR, long values, private tags."""

from __future__ import annotations

import struct

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.settings import PrivateTag
from tests.support.shown_elements import SYNTAXES, elements, file_of, raw_file, shown


def test_the_three_forms_show_the_same_tags() -> None:
    raw = file_of(
        elements(("PatientName", "PN", "Doe"), ("OtherPatientIDs", "LO", "A\\B"), ("Rows", "US", 3))
    )
    assert shown(raw, TagsForm.FULL) == {
        "0010,0010": {"Name": "PatientName", "Type": "String", "Value": "Doe"},
        "0010,1000": {"Name": "OtherPatientIDs", "Type": "String", "Value": "A\\B"},
        "0028,0010": {"Name": "Rows", "Type": "String", "Value": "3"},
    }
    assert shown(raw, TagsForm.SHORT) == {"0010,0010": "Doe", "0010,1000": "A\\B", "0028,0010": "3"}
    assert shown(raw, TagsForm.SIMPLIFY) == {"PatientName": "Doe", "OtherPatientIDs": "A\\B", "Rows": "3"}


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_every_vr_is_shown_in_every_syntax(syntax: str) -> None:
    dataset = elements(
        ("SpecificCharacterSet", "CS", "ISO_IR 192"),
        ("ImageType", "CS", ["A", "B"]),
        ("PatientName", "PN", "é^Jane"),
        ("PatientComments", "LT", " two\r\nlines  "),
        ("StudyInstanceUID", "UI", "1.2.3"),
        ("PatientBirthDate", "DA", ""),
        ("Rows", "US", [1, 65535]),
        ("Columns", "US", None),
        ("PixelRepresentation", "US", 1),
        ("SmallestImagePixelValue", "SS", -1000),
        ("FrameIncrementPointer", "AT", [0x00181063, 0x0018000A]),
        ("ReferencePixelX0", "SL", -70000),
        ("ExaminedBodyThickness", "FL", 0.1),
        ("TubeAngle", "FD", [0.1, 1e300]),
        ("RedPaletteColorLookupTableData", "OW", b"1234"),
        ("PixelData", "OW", b"1234"),
    )
    assert shown(file_of(dataset, syntax)) == {
        "0008,0005": "ISO_IR 192",
        "0008,0008": "A\\B",
        "0010,0010": "é^Jane",
        "0010,0030": "",
        "0010,4000": " two\r\nlines",
        "0010,9431": "0.100000001",
        "0018,6020": "-70000",
        "0018,9303": "0.10000000000000001\\1.0000000000000001e+300",
        "0020,000d": "1.2.3",
        "0028,0009": "0018,1063\\0018,000a",
        "0028,0010": "1\\65535",
        "0028,0011": None,
        "0028,0103": "1",
        "0028,0106": "-1000",
        "0028,1201": None,
        "7fe0,0010": None,
    }


def test_values_beyond_256_bytes_are_too_long_unless_asked_for() -> None:
    raw = file_of(
        elements(
            ("SpecificCharacterSet", "CS", "ISO_IR 100"),
            ("PatientComments", "LT", "x" * 256 + "   "),
            ("ImageComments", "LT", "é" * 129),
            ("TextValue", "UT", "y" * 70_000),
            ("Rows", "US", [1000] * 60),
        )
    )
    found = shown(raw, TagsForm.FULL)
    assert found["0010,4000"]["Value"] == "x" * 256
    for tag, name in (("0020,4000", "ImageComments"), ("0040,a160", "TextValue"), ("0028,0010", "Rows")):
        assert found[tag] == {"Name": name, "Type": "TooLong", "Value": None}
    asked = shown(raw, ignore_length=frozenset((0x00204000, 0x0040A160)))
    assert asked["0020,4000"] == "é" * 129
    assert asked["0040,a160"] == "y" * 70_000
    assert asked["0028,0010"] is None


def test_private_tags_carry_their_creator_and_a_declared_or_well_known_name() -> None:
    dataset = elements(
        (0x00090010, "LO", "Lunit"),
        (0x00091001, "DS", "0.5"),
        (0x00091002, "UN", b"ab"),
        (0x00190011, "LO", "GEMS_ACQU_01"),
        (0x00191102, "SL", 7),
        (0x00191302, "LO", "orphan"),
    )
    declared = (PrivateTag(0x00091001, "DS", "Abnormality score", "Lunit"),)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        found = shown(file_of(dataset, syntax), TagsForm.FULL, private=declared)
        assert found["0009,0010"] == {"Name": "PrivateCreator", "Type": "String", "Value": "Lunit"}
        assert found["0009,1001"] == {
            "Name": "Abnormality score",
            "PrivateCreator": "Lunit",
            "Type": "String",
            "Value": "0.5",
        }
        assert found["0009,1002"]["Type"] == "Null"
        assert found["0019,1102"]["Value"] == "7"
        assert found["0019,1102"]["PrivateCreator"] == "GEMS_ACQU_01"
        assert found["0019,1302"]["Name"] == "Unknown Tag & Data"
        assert "PrivateCreator" not in found["0019,1302"]


def test_group_lengths_are_shown_where_the_file_has_them() -> None:
    length = struct.pack("<HH2sHI", 0x0010, 0, b"UL", 4, 12)
    assert shown(raw_file(length), TagsForm.FULL) == {
        "0010,0000": {"Name": "GenericGroupLength", "Type": "String", "Value": "12"}
    }
