"""Replacement values that are refused, before any file is at hand or for its character set."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, Encoding
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.errors import (
    BadFileFormatError,
    BadParameterTypeError,
    DicomorphError,
    UnknownDicomTagError,
)
from dicomorph.model.resources import Json
from dicomorph.model.settings import UnencodableText
from tests.support.written_values import ENCODINGS, LATIN, TAG, UTF8, nested, octets


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
        ("SmallestImagePixelValue", "-32769", BadFileFormatError),
        ("SmallestImagePixelValue", "65536", BadFileFormatError),
        ("PixelPaddingValue", "-1\\40000", BadFileFormatError),
        ("LUTDescriptor", "-1\\-1\\16", BadFileFormatError),
        ("LUTDescriptor", "1\\-1\\-16", BadFileFormatError),
        ("LUTDescriptor", "1\\\\16", BadFileFormatError),
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


def test_text_beyond_the_character_set_is_refused_or_dropped() -> None:
    tag = TAG("PatientComments")
    ValueEncoder().check(tag, "é中")
    with pytest.raises(BadFileFormatError, match="0010,4000"):
        ValueEncoder().element(tag, "é中", EXPLICIT_LITTLE, LATIN)
    dropping = ValueEncoder(unencodable=UnencodableText.DROP)
    assert dropping.element(tag, "é中", EXPLICIT_LITTLE, LATIN).endswith(b"\xe9 ")
    assert dropping.element(tag, "é中", EXPLICIT_LITTLE, UTF8).endswith("é中 ".encode())


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
