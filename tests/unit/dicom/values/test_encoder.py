"""Which VR and which bytes a replacement value gets."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from pydicom.filereader import read_dataset

from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, Encoding
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.resources import Json
from tests.support.written_values import DECLARED, ENCODINGS, LATIN, TAG, written


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PatientName", "Doe^Jane", "Doe^Jane"),
        ("PatientName", None, ""),
        ("PatientName", "", ""),
        ("PatientComments", "x" * 1001, "x" * 1001),
        ("StudyInstanceUID", "1.2.3", "1.2.3"),
        ("ImageType", "DERIVED\\SECONDARY\\MPR", ["DERIVED", "SECONDARY", "MPR"]),
        ("AdditionalPatientHistory", "line 1\r\nline 2", "line 1\r\nline 2"),
        ("ExaminedBodyThickness", "1.25", 1.25),
        ("TubeAngle", "-1.5e2", -150.0),
        ("RealWorldValueSlope", "inf", float("inf")),
        ("SimpleFrameList", "100000", 100000),
        ("ReferencePixelX0", "-100000", -100000),
        ("TagAngleSecondAxis", "-9", -9),
        ("AcquisitionMatrix", "4\\3\\ 2\\+1", [4, 3, 2, 1]),
        ("AcquisitionMatrix", "1\\-1\\-65535\\65535", [1, 65535, 1, 65535]),
        ("Rows", "-1", 65535),
        ("Rows", "", None),
        ("SmallestImagePixelValue", "65535", 65535),
        ("ExtendedOffsetTable", "1", struct.pack("<Q", 1)),
        ("FrameIncrementPointer", "00181063", 0x00181063),
        ("FrameIncrementPointer", "0018,1063\\PatientName", [0x00181063, 0x00100010]),
        ("OverlayRows", "5", 5),
        ("ReferencedStudySequence", None, []),
        ("ReferencedStudySequence", "", []),
        ("ReferencedStudySequence", [], []),
    ],
)
def test_values_have_the_vr_of_the_dictionary(
    encoding: Encoding, name: str, value: Json, expected: object
) -> None:
    element = written(name, value, encoding)
    found = element.value
    if isinstance(found, bytes):
        expected = expected if encoding.order == "<" else bytes(reversed(expected))  # type: ignore[call-overload]
    assert (list(found) if isinstance(expected, list) else found) == expected


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientBirthDate", "not a date"),
        ("StudyDescription", "y" * 100),
        ("PatientAge", "abc"),
        ("SOPInstanceUID", "hello"),
        ("TextValue", "data:text/plain;base64,SGVsbG8="),
        ("EncapsulatedDocument", "data:;base64,AAECAw=="),
    ],
)
def test_text_is_stored_verbatim(name: str, value: str) -> None:
    raw = ValueEncoder().element(TAG(name), value, EXPLICIT_LITTLE, LATIN)
    assert raw.rstrip(b" \0").endswith(value.encode())


@pytest.mark.parametrize(
    ("name", "vr", "padded"),
    [
        ("PatientName", b"PN", b"abc "),
        ("StudyInstanceUID", b"UI", b"abc\0"),
        ("EncapsulatedDocument", b"OB", b"abc\0"),
        ("0012,9999", b"UN", b"abc\0"),
        ("WaveformData", b"OB", b"abc\0"),
    ],
)
def test_values_are_padded_to_an_even_length(name: str, vr: bytes, padded: bytes) -> None:
    raw = ValueEncoder().element(TAG(name), "abc", EXPLICIT_LITTLE, LATIN)
    assert raw[4:6] == vr
    assert raw.endswith(padded)


@pytest.mark.parametrize(
    ("creator", "name", "vr", "value"),
    [
        ("RadioLogic", "4321,1012", "LO", "on"),
        ("RadioLogic", "RadioButton3", "LO", "on"),
        ("OCT", "0407,1001", "US", "5"),
        ("OCT", "0407,2001", "UN", "5"),
        ("", "4321,1012", "UN", "on"),
        ("Somebody", "4321,1012", "UN", "on"),
        ("RadioLogic", "4321,0010", "UN", "RadioLogic"),
        ("Lunit", "0009,1010", "LO", "x"),
        ("GEMS_ACQU_01", "0019,1002", "SL", "7"),
    ],
)
def test_private_tags_have_the_vr_of_the_private_creator_of_the_request(
    creator: str, name: str, vr: str, value: str
) -> None:
    encoder = ValueEncoder(DECLARED, private_creator=creator)
    raw = encoder.element(TAG(name), value, EXPLICIT_LITTLE, LATIN)
    assert raw[4:6].decode() == vr


def test_a_long_list_of_numbers_is_written_piece_by_piece() -> None:
    numbers = [number % 65_536 for number in range(10_000)]
    value = "\\".join(map(str, numbers))
    raw = ValueEncoder().element(TAG("RedPaletteColorLookupTableData"), value, EXPLICIT_LITTLE, LATIN)
    assert struct.unpack("<10000H", raw[12:]) == tuple(numbers)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_too_long_for_its_vr_is_written_as_unknown(encoding: Encoding) -> None:
    long = "x" * 65_536
    raw = ValueEncoder().element(TAG("StudyDescription"), long, encoding, LATIN)
    assert (raw[4:6] == b"UN") is encoding.explicit
    assert raw.endswith(long.encode())
    numbers = ValueEncoder().element(
        TAG("ReferencedFrameNumbers"), "\\".join(["258"] * 40_000), encoding, LATIN
    )
    assert numbers.endswith(b"\x02\x01" * 40_000)
    both = read_dataset(BytesIO(raw + numbers), not encoding.explicit, encoding.order == "<")
    assert list(both.keys()) == [TAG("StudyDescription"), TAG("ReferencedFrameNumbers")]
