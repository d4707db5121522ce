"""Replacement values, read back by pydicom."""

from __future__ import annotations

import base64
import struct
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from dicomorph.dicom.charsets import CharacterSet
from dicomorph.dicom.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from dicomorph.dicom.tag_path import TagNames
from dicomorph.dicom.values import ValueEncoder, is_writable
from dicomorph.model.errors import (
    BadFileFormatError,
    BadParameterTypeError,
    DicomorphError,
    NotImplementedYetError,
    ParameterOutOfRangeError,
    UnknownDicomTagError,
)
from dicomorph.model.resources import Json
from dicomorph.model.settings import PrivateTag, UnencodableText

LATIN = CharacterSet.of("ISO_IR 100", default_encoding="Ascii")
UTF8 = CharacterSet.of("ISO_IR 192", default_encoding="Ascii")
DECLARED = (
    PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic"),
    PrivateTag(0x04071001, "US", "Count", "OCT"),
    PrivateTag(0x04071005, "SQ", "Cubes", "OCT"),
    PrivateTag(0x00090010, "LO", "Private data element", "Lunit"),
)
ENCODINGS = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]
NAMES = TagNames(DECLARED)
TAG = NAMES.tag


def octets(raw: bytes, mime_type: str = "application/octet-stream") -> str:
    return f"data:{mime_type};base64,{base64.b64encode(raw).decode()}"


def read(raw: bytes, encoding: Encoding = EXPLICIT_LITTLE) -> Dataset:
    dataset = read_dataset(BytesIO(raw), not encoding.explicit, encoding.order == "<")
    dataset.decode()
    return dataset


def written(name: str, value: Json, encoding: Encoding = EXPLICIT_LITTLE, encoder: Any = None) -> Any:
    element = (encoder or ValueEncoder(DECLARED)).element(TAG(name), value, encoding, LATIN)
    assert len(element) % 2 == 0
    return read(element, encoding)[TAG(name)]


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
    assert raw[4:6] == vr == ValueEncoder().vr(TAG(name))
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


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_sequences_hold_items_with_elements_in_order(encoding: Encoding) -> None:
    value: Json = [
        {"ScheduledProtocolCodeSequence": [{"CodeMeaning": "M1", "0008,0100": "C1"}, []], "PatientID": "x"},
        {},
    ]
    first, second = written("RequestAttributesSequence", value, encoding).value
    assert [element.keyword for element in first] == ["PatientID", "ScheduledProtocolCodeSequence"]
    codes = first.ScheduledProtocolCodeSequence
    assert [element.keyword for element in codes[0]] == ["CodeValue", "CodeMeaning"]
    assert len(codes[1]) == len(second) == 0


def test_private_sequences_need_a_declared_vr() -> None:
    encoder = ValueEncoder(DECLARED, private_creator="OCT")
    assert written("0407,1005", [{"PatientID": "x"}], encoder=encoder).value[0].PatientID == "x"
    with pytest.raises(BadParameterTypeError):
        ValueEncoder().check(0x04071005, [{"PatientID": "x"}])


def test_ignored_tags_write_nothing_at_any_depth() -> None:
    encoder = ValueEncoder()
    for name in ("0008,0000", "0002,0010", "fffe,e000", "0009,0000"):
        assert not is_writable(TAG(name))
        assert encoder.element(TAG(name), "1", EXPLICIT_LITTLE, LATIN) == b""
    item = written("ReferencedStudySequence", [{"0008,0000": "4", "fffe,e0dd": "x", "PatientID": "x"}]).value[
        0
    ]
    assert [element.keyword for element in item] == ["PatientID"]


def test_a_long_list_of_numbers_is_written_piece_by_piece() -> None:
    numbers = [number % 65_536 for number in range(10_000)]
    value = "\\".join(map(str, numbers))
    raw = ValueEncoder().element(TAG("RedPaletteColorLookupTableData"), value, EXPLICIT_LITTLE, LATIN)
    assert struct.unpack("<10000H", raw[12:]) == tuple(numbers)


def test_octets_are_stored_as_they_are_in_text_and_bytes() -> None:
    encoder = ValueEncoder()
    for name in ("PatientName", "TextValue", "EncapsulatedDocument", "WaveformData", "0012,9999"):
        raw = encoder.element(TAG(name), octets(b"H\xe9llo\x00"), EXPLICIT_LITTLE, UTF8)
        assert raw.endswith(b"H\xe9llo\x00")
    item = written("ReferencedImageSequence", [{"PatientName": octets(b"Hello")}]).value[0]
    assert item.PatientName == "Hello"


def test_pixel_data_is_written_as_words_from_octets_or_from_an_even_text() -> None:
    encoder = ValueEncoder()
    pixels = encoder.element(TAG("PixelData"), octets(b"\0\1\2"), EXPLICIT_LITTLE, LATIN)
    assert pixels[4:6] == b"OW"
    assert pixels.endswith(b"\0\1\2\0")
    assert encoder.element(TAG("PixelData"), "", EXPLICIT_LITTLE, LATIN).endswith(bytes(4))
    assert encoder.element(TAG("PixelData"), "abcd", EXPLICIT_LITTLE, LATIN).endswith(b"abcd")
    with pytest.raises(ParameterOutOfRangeError):
        encoder.check(TAG("PixelData"), "abc")


def test_documents_are_taken_as_pdf_models_or_octets() -> None:
    for uri in (octets(b"%PDF-1.7", "application/pdf"), octets(b"solid", "model/stl"), octets(b"abc")):
        ValueEncoder().check(TAG("EncapsulatedDocument"), uri)
    with pytest.raises(BadFileFormatError):
        ValueEncoder().check(TAG("EncapsulatedDocument"), octets(b"PDF", "application/pdf"))
    for name, mime_type in (
        ("EncapsulatedDocument", "text/plain"),
        ("PixelData", "image/png"),
        ("PixelData", "image/jpeg"),
    ):
        with pytest.raises(NotImplementedYetError):
            ValueEncoder().check(TAG(name), octets(b"abc", mime_type))


def nested(depth: int) -> Json:
    value: Json = []
    for _ in range(depth):
        value = [{"ReferencedImageSequence": value}]
    return value


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("SliceThickness", 2.5, BadParameterTypeError),
        ("InstanceNumber", 3, BadParameterTypeError),
        ("PatientName", True, BadParameterTypeError),
        ("PatientName", False, BadParameterTypeError),
        ("PatientName", {}, BadParameterTypeError),
        ("PatientName", [], BadParameterTypeError),
        ("OtherPatientIDs", ["A", "B"], BadParameterTypeError),
        ("PatientName", [{"PatientID": "x"}], BadParameterTypeError),
        ("SOPClassUID", None, BadParameterTypeError),
        ("SOPInstanceUID", None, BadParameterTypeError),
        ("ReferencedStudySequence", {"PatientID": "x"}, BadParameterTypeError),
        ("ReferencedStudySequence", 5, BadParameterTypeError),
        ("ReferencedStudySequence", ["x", "y"], BadParameterTypeError),
        ("ReferencedStudySequence", [[{}]], BadParameterTypeError),
        ("ReferencedStudySequence", [None], BadParameterTypeError),
        ("ReferencedStudySequence", [{"PatientID": 5}], BadParameterTypeError),
        ("ReferencedStudySequence", [{"Nope": "x"}], UnknownDicomTagError),
        ("ReferencedStudySequence", [{"ReferencedImageSequence[0].PatientID": "x"}], UnknownDicomTagError),
        ("ReferencedStudySequence", "x", BadFileFormatError),
        ("ReferencedStudySequence", octets(b"x"), BadFileFormatError),
        ("ReferencedImageSequence", nested(64), BadFileFormatError),
        ("Rows", "70000", BadFileFormatError),
        ("Rows", "-70000", BadFileFormatError),
        ("Rows", "x", BadFileFormatError),
        ("Rows", "1.5", BadFileFormatError),
        ("Rows", "1\\\\2", BadFileFormatError),
        ("Rows", "1_0", BadFileFormatError),
        ("Rows", "1" * 5000, BadFileFormatError),
        ("Rows", octets(b"\t\0"), BadFileFormatError),
        ("SmallestImagePixelValue", "-1", BadFileFormatError),
        ("TagAngleSecondAxis", "40000", BadFileFormatError),
        ("Rows", "-1\\-65536", BadFileFormatError),
        ("Rows", "1 2", BadFileFormatError),
        ("Rows", "- 1", BadFileFormatError),
        ("Rows", "0x10", BadFileFormatError),
        ("Rows", "\u0665", BadFileFormatError),
        ("Rows", "1\n", BadFileFormatError),
        ("TubeAngle", "hello", BadFileFormatError),
        ("TubeAngle", "1e999", BadFileFormatError),
        ("TubeAngle", "1_0", BadFileFormatError),
        ("TubeAngle", "1,5", BadFileFormatError),
        ("TubeAngle", "1\\\\2", BadFileFormatError),
        ("TubeAngle", "infinity", BadFileFormatError),
        ("ExaminedBodyThickness", "1e39", BadFileFormatError),
        ("PointCoordinatesData", octets(b"abcd"), BadFileFormatError),
        ("RedPaletteColorLookupTableData", octets(b"abcd"), BadFileFormatError),
        ("LongPrimitivePointIndexList", octets(b"abcd"), BadFileFormatError),
        ("EncapsulatedDocument", "data:application/octet-stream;base64,!!!", BadFileFormatError),
        ("PatientName", "data:application/octet-stream;base64,A", BadFileFormatError),
        ("FrameIncrementPointer", "Nope", UnknownDicomTagError),
        ("FrameIncrementPointer", octets(b"abcd"), BadFileFormatError),
    ],
)
def test_bad_values_are_refused_before_any_file_is_at_hand(
    name: str, value: Json, error: type[DicomorphError]
) -> None:
    with pytest.raises(error) as caught:
        ValueEncoder().check(TAG(name), value)
    assert type(caught.value) is error
    if value is not None:
        with pytest.raises(error):
            ValueEncoder().element(TAG(name), value, EXPLICIT_LITTLE, LATIN)


def test_items_are_nested_64_levels_deep_at_most() -> None:
    tag = TAG("ReferencedImageSequence")
    ValueEncoder().check(tag, nested(63))
    ValueEncoder().check(tag, nested(60), depth=3)
    with pytest.raises(BadFileFormatError):
        ValueEncoder().check(tag, nested(61), depth=3)


def test_text_beyond_the_character_set_is_refused_or_dropped() -> None:
    tag = TAG("PatientComments")
    ValueEncoder().check(tag, "é中")
    with pytest.raises(BadFileFormatError, match="0010,4000"):
        ValueEncoder().element(tag, "é中", EXPLICIT_LITTLE, LATIN)
    dropping = ValueEncoder(unencodable=UnencodableText.DROP)
    assert dropping.element(tag, "é中", EXPLICIT_LITTLE, LATIN).endswith(b"\xe9 ")
    assert dropping.element(tag, "é中", EXPLICIT_LITTLE, UTF8).endswith("é中 ".encode())


def test_an_item_may_declare_a_character_set_of_its_own() -> None:
    value: Json = [{"PatientName": "é", "SpecificCharacterSet": "ISO_IR 192"}, {"PatientName": "é"}]
    raw = ValueEncoder().element(TAG("ReferencedStudySequence"), value, EXPLICIT_LITTLE, LATIN)
    first, second = read(raw)[TAG("ReferencedStudySequence")].value
    assert first["PatientName"].value.original_string == "é".encode()
    assert second["PatientName"].value.original_string == b"\xe9"


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


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1", "1\\2", "data:a/b;base64,AA=="]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["PatientID", "Rows", "0008,1140", "Nope", "0009,1001"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)
TAGS = st.sampled_from(
    [
        "PatientName",
        "Rows",
        "ReferencedImageSequence",
        "PixelData",
        "FrameIncrementPointer",
        "TubeAngle",
        "0012,9999",
    ]
)


@given(TAGS, JSON, st.sampled_from(ENCODINGS))
def test_any_value_is_written_well_or_refused(name: str, value: Json, encoding: Encoding) -> None:
    encoder = ValueEncoder(unencodable=UnencodableText.DROP)
    try:
        encoder.check(TAG(name), value)
    except DicomorphError:
        return
    raw = encoder.element(TAG(name), value, encoding, UTF8)
    assert len(raw) % 2 == 0
    assert list(read_dataset(BytesIO(raw), not encoding.explicit, encoding.order == "<").keys()) == [
        TAG(name)
    ]
