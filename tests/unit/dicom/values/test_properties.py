"""Any value of every VR, and any text in every character set, read back by pydicom."""

from __future__ import annotations

import math
import struct
import warnings
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.filereader import read_dataset
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS, PersonName

from dicomorph.dicom.stream.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.settings import UnencodableText

ENCODINGS = st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG])
UTF8 = CharacterSet.of("ISO_IR 192", default_encoding="Ascii")

# One attribute of each VR; in implicit VR pydicom knows the VR from the tag.
TEXTS = {
    "AE": "RetrieveAETitle",
    "AS": "PatientAge",
    "CS": "ImageType",
    "DA": "StudyDate",
    "DS": "PixelSpacing",
    "DT": "AcquisitionDateTime",
    "IS": "ReferencedFrameNumber",
    "LO": "StudyDescription",
    "LT": "PatientComments",
    "PN": "PatientName",
    "SH": "StudyID",
    "ST": "InstitutionAddress",
    "TM": "StudyTime",
    "UC": "LongCodeValue",
    "UI": "ReferencedSOPInstanceUID",
    "UR": "RetrieveURL",
    "UT": "TextValue",
}
INTEGERS = {
    "US": ("AcquisitionMatrix", "H"),
    "SS": ("TagAngleSecondAxis", "h"),
    "UL": ("SimpleFrameList", "I"),
    "SL": ("ReferencePixelX0", "i"),
    "UV": ("FileOffsetInContainer", "Q"),
    "SV": ("SelectorSVValue", "q"),
    "OW": ("RedPaletteColorLookupTableData", "H"),
    "OL": ("LongPrimitivePointIndexList", "I"),
    "OV": ("ExtendedOffsetTable", "Q"),
}
FLOATS = {
    "FL": ("ExaminedBodyThickness", "f"),
    "FD": ("TubeAngle", "d"),
    "OF": ("PointCoordinatesData", "f"),
    "OD": ("DoublePointCoordinatesData", "d"),
}


def written(keyword: str, value: str, encoding: Encoding, charset: CharacterSet = UTF8) -> bytes:
    """Return the raw value that pydicom finds in the element that the encoder wrote."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    raw = ValueEncoder().element(tag, value, encoding, charset)
    dataset = read_dataset(BytesIO(raw), not encoding.explicit, encoding.order == "<")
    assert list(dataset.keys()) == [tag]
    element = dataset.get_item(tag)
    assert element is not None
    assert not encoding.explicit or dictionary_VR(tag) == element.VR
    found: bytes | str | None = element.value  # an empty one has the type of its VR
    return found if isinstance(found, bytes) else b""


@pytest.mark.parametrize("vr", TEXTS)
@given(value=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), encoding=ENCODINGS)
def test_text_of_every_vr_is_stored_as_it_is(vr: str, value: str, encoding: Encoding) -> None:
    assert dictionary_VR(tag_for_keyword(TEXTS[vr]) or 0) == vr
    expected = value.encode()
    padding = (b"\0" if vr == "UI" else b" ") * (len(expected) % 2)
    assert written(TEXTS[vr], value, encoding) == expected + padding


@pytest.mark.parametrize("vr", INTEGERS)
@given(data=st.data(), encoding=ENCODINGS)
def test_whole_numbers_of_every_vr_are_read_back(vr: str, data: st.DataObject, encoding: Encoding) -> None:
    keyword, letter = INTEGERS[vr]
    bits = 8 * struct.calcsize("=" + letter)
    low, high = (0, 2**bits - 1) if letter.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    numbers = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=5))
    raw = written(keyword, "\\".join(map(str, numbers)), encoding)
    assert list(struct.unpack(f"{encoding.order}{len(numbers)}{letter}", raw)) == numbers


@pytest.mark.parametrize("vr", ["US", "UL", "UV", "OW", "OL", "OV"])
@given(data=st.data())
def test_negative_numbers_stand_for_their_complement(vr: str, data: st.DataObject) -> None:
    keyword, letter = INTEGERS[vr]
    bits = 8 * struct.calcsize("=" + letter)
    number = data.draw(st.integers(-(2**bits) + 1, -1))
    raw = written(keyword, str(number), EXPLICIT_LITTLE)
    assert struct.unpack("<" + letter, raw) == (number + 2**bits,)


@pytest.mark.parametrize("vr", FLOATS)
@given(data=st.data(), encoding=ENCODINGS)
def test_floating_numbers_of_every_vr_are_read_back(vr: str, data: st.DataObject, encoding: Encoding) -> None:
    keyword, letter = FLOATS[vr]
    width = 8 * struct.calcsize("=" + letter)
    numbers = data.draw(st.lists(st.floats(width=width), min_size=1, max_size=5))  # type: ignore[arg-type] # 32 or 64
    raw = written(keyword, "\\".join(map(repr, numbers)), encoding)
    found = struct.unpack(f"{encoding.order}{len(numbers)}{letter}", raw)
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(found, numbers, strict=True))


@given(tags=st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=4), encoding=ENCODINGS)
def test_tags_are_read_back(tags: list[int], encoding: Encoding) -> None:
    text = "\\".join(f"{tag >> 16:04x},{tag & 0xFFFF:04X}" for tag in tags)
    raw = written("FrameIncrementPointer", text, encoding)
    halves = struct.unpack(f"{encoding.order}{2 * len(tags)}H", raw)
    assert [high << 16 | low for high, low in zip(halves[::2], halves[1::2], strict=True)] == tags


@pytest.mark.parametrize("keyword", ["EncapsulatedDocument", "WaveformData"])
@given(value=st.text(st.characters(codec="utf-8"), max_size=20), encoding=ENCODINGS)
def test_bytes_are_those_of_the_text(keyword: str, value: str, encoding: Encoding) -> None:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    expected = value.encode()
    raw = ValueEncoder().element(tag, value, encoding, UTF8)
    assert raw[12 if encoding.explicit else 8 :] == expected + b"\0" * (len(expected) % 2)


SINGLE = (
    *("ISO_IR 6", "ISO_IR 13", "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 126"),
    *("ISO_IR 127", "ISO_IR 138", "ISO_IR 144", "ISO_IR 148", "ISO_IR 166", "ISO_IR 192", "GB18030", "GBK"),
)
EXTENDED = (
    "\\ISO 2022 IR 87",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
    "\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "\\ISO 2022 IR 149",
    "ISO 2022 IR 100\\ISO 2022 IR 144",
    "ISO 2022 IR 6\\ISO 2022 IR 101\\ISO 2022 IR 126\\ISO 2022 IR 127\\ISO 2022 IR 138\\ISO 2022 IR 166",
)
# No-break space and a filler: pydicom's tables lack the one in Thai, EUC-KR cannot read the other.
STRANGE = "\xa0\u3164"
PRINTABLE = st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters="\\\x7f" + STRANGE)
SCRIPTS = st.sampled_from("AZ ^=aéüßčşЖяΔאبกｱﾔ山田太郎丂小东龙길동가〒、")


def repertoire(charset: CharacterSet, text: str) -> str:
    """Return what of a text the character set has."""
    raw = charset.encode(text, unencodable=UnencodableText.DROP, tag=0)
    return charset.decode(raw)


@pytest.mark.parametrize("declared", [*SINGLE, *EXTENDED])
@pytest.mark.parametrize("vr", ["PN", "LT"])
@settings(max_examples=50)
@given(text=st.text(PRINTABLE | SCRIPTS, max_size=12), encoding=ENCODINGS)
def test_text_in_every_character_set_is_read_back(
    declared: str, vr: str, text: str, encoding: Encoding
) -> None:
    charset = CharacterSet.of(declared, default_encoding="Ascii")
    text = repertoire(charset, text)
    raw = written(TEXTS[vr], text, encoding, charset)
    delimiters = PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS
    padded = text + " " * (len(raw) - len(charset.encode(text, unencodable=UnencodableText.ERROR, tag=0)))
    assert decode_bytes(raw, convert_encodings(declared.split("\\")), delimiters) == padded
    assert charset.decode(raw, is_name=vr == "PN") == padded


@pytest.mark.parametrize("declared", ["ISO_IR 13", "GB18030", "GBK", "\\ISO 2022 IR 87"])
@pytest.mark.parametrize("text", ["ソ表能", "乗\\誠", "俓\\慭"])
def test_a_backslash_within_a_character_separates_nothing(declared: str, text: str) -> None:
    charset = CharacterSet.of(declared, default_encoding="Ascii")
    text = repertoire(charset, text)
    raw = charset.encode(text, unencodable=UnencodableText.ERROR, tag=0)
    assert charset.decode(raw) == charset.decode(raw, is_name=True) == text


@pytest.mark.parametrize("declared", EXTENDED)
@settings(max_examples=50)
@given(
    groups=st.lists(
        st.lists(st.text(SCRIPTS.filter(lambda c: c not in "^="), max_size=4), max_size=5), max_size=3
    )
)
def test_every_component_of_a_name_stands_on_its_own(declared: str, groups: list[list[str]]) -> None:
    charset = CharacterSet.of(declared, default_encoding="Ascii")
    name = "=".join("^".join(repertoire(charset, part) for part in group) for group in groups)
    raw = charset.encode(name, unencodable=UnencodableText.ERROR, tag=0)
    assert charset.decode(raw, is_name=True) == charset.decode(raw) == name
    if b"\x1b$B" not in raw and b"\x1b$(D" not in raw:  # pydicom cuts those at bytes that look like = or ^
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = DataElement(
                0x00100010, "PN", PersonName(raw, convert_encodings(declared.split("\\")))
            ).value
        assert str(read).rstrip("=") == name.rstrip("=")
