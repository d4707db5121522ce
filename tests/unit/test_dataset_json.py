"""Data sets as JSON against pydicom's reading of the same files."""

from __future__ import annotations

import re
import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from dicomorph.dicom.dataset_json import TagsForm, dataset_json
from dicomorph.dicom.source import Buffer, BufferSource
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json
from dicomorph.model.settings import PrivateTag

SHARED = Path(__file__).parents[3] / "shared/golden/visible/files"
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
TEXT_VRS = frozenset(re.findall("..", "AEASCSDADSDTISLOLTPNSHSTTMUCUIURUT"))
NUMBER_VRS = ["US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"]


def shown(raw: bytes, form: TagsForm = TagsForm.SHORT, **options: Any) -> dict[str, Any]:
    return dataset_json(BufferSource(raw), form=form, default_encoding="Latin1", **options)


def file_of(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.840.10008.5.1.4.1.1.7")
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    dataset.file_meta = meta
    output = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(output, enforce_file_format=True)
    return output.getvalue()


def elements(*added: tuple[int | str, str, object]) -> Dataset:
    dataset = Dataset()
    for name, vr, value in added:
        tag = pydicom.datadict.tag_for_keyword(name) if isinstance(name, str) else name
        assert tag is not None
        dataset.add_new(tag, vr, value)
    return dataset


def oracle(dataset: Dataset) -> dict[str, Json]:
    """Return what the short form shows of a data set, with numbers as they are."""
    result: dict[str, Json] = {}
    for element in dataset:
        tag = f"{element.tag.group:04x},{element.tag.element:04x}"
        if element.tag.group == 2 or element.tag.element == 0:
            continue  # pydicom has no VR for the lengths of private groups
        if element.VR == "SQ":
            result[tag] = [oracle(item) for item in element.value]
        elif element.tag == 0x7FE00010 or element.VR not in (*TEXT_VRS, *NUMBER_VRS, "AT"):
            result[tag] = None
        else:
            result[tag] = value_of(element)
    return result


def value_of(element: pydicom.DataElement) -> Json:
    values = list(element.value) if element.VM > 1 else [element.value]
    if element.VR in TEXT_VRS:
        text = "\\".join(str(value) for value in values if value is not None)
        text = "\\".join(part.rstrip(" \0=") for part in text.split("\\"))
        return text if len(text.encode()) <= 256 else None
    if element.VM == 0:
        return None
    if element.VR == "AT":
        return "\\".join(f"{value >> 16:04x},{value & 0xFFFF:04x}" for value in values)
    shown = "\\".join(f"{value:.{9 if element.VR == 'FL' else 17}g}" for value in values)
    return [float(number) for number in shown.split("\\")] if len(shown) <= 256 else None


def comparable(value: Any, expected: Any) -> Any:
    """Return what was shown with its numbers cast as far as the oracle has numbers."""
    if isinstance(value, dict) and isinstance(expected, dict):
        return {
            tag: comparable(inner, expected.get(tag))
            for tag, inner in value.items()
            if not tag.endswith(",0000")
        }
    if isinstance(value, list) and isinstance(expected, list):
        return [comparable(inner, other) for inner, other in zip(value, expected, strict=True)]
    if isinstance(value, str) and isinstance(expected, list):
        return [float(number) for number in value.split("\\")]
    if isinstance(value, str):  # pydicom strips each of several values, and component groups of names
        return "\\".join(part.rstrip(" \0=") for part in value.split("\\"))
    return value


def bundled() -> list[Path]:
    found = (Path(pydicom.__file__).parent / "data").rglob("*.dcm")
    return sorted(path for path in found if path.stat().st_size < 150_000)


# Cut off, without a beginning, or not in the transfer syntax that they declare.
REFUSED = {
    "MR_truncated.dcm",
    "SC_rgb_jpeg.dcm",
    "no_meta.dcm",
    "rtplan_truncated.dcm",
}


@pytest.mark.parametrize("path", [*bundled(), *sorted(SHARED.glob("*"))], ids=lambda path: path.name)
def test_files_show_what_pydicom_reads(path: Path) -> None:
    raw = path.read_bytes()
    if path.name in REFUSED:
        with pytest.raises(BadFileFormatError):
            shown(raw, whole=True)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = oracle(pydicom.dcmread(path, force=True))
    assert comparable(shown(raw, whole=True), expected) == expected


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


@pytest.mark.parametrize("is_undefined", [False, True], ids=["defined", "undefined"])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_items_inherit_the_character_set_and_may_declare_another(syntax: str, is_undefined: bool) -> None:  # noqa: FBT001
    inner = elements(("SpecificCharacterSet", "CS", "ISO_IR 144"), ("PatientName", "PN", "Люкce"))
    items = Sequence([elements(("PatientName", "PN", "é")), inner, Dataset()])
    dataset = elements(("SpecificCharacterSet", "CS", "ISO_IR 100"), ("ReferencedStudySequence", "SQ", items))
    dataset.add_new(0x00100010, "PN", "é")
    dataset[0x00081110].is_undefined_length = is_undefined
    for item in items:
        item.is_undefined_length_sequence_item = is_undefined
    found = shown(file_of(dataset, syntax))
    assert found["0008,1110"] == [
        {"0010,0010": "é"},
        {"0008,0005": "ISO_IR 144", "0010,0010": "Люкce"},
        {},
    ]
    assert found["0010,0010"] == "é"


def raw_file(body: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    return file_of(Dataset(), syntax) + body


def unknown(tag: int, value: bytes, length: int | None = None) -> bytes:
    length = len(value) if length is None else length
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, length) + value


IMPLICIT_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 12) + struct.pack("<HHI", 0x0010, 0x0020, 4) + b"P-1 "
DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def test_unknown_vr_is_read_by_the_dictionary_in_implicit_little_endian() -> None:
    body = (
        unknown(0x00081110, IMPLICIT_ITEM)
        + unknown(0x00081111, b"not a sequence at all ")
        + unknown(0x00081115, IMPLICIT_ITEM + DELIMITER, 0xFFFFFFFF)
        + unknown(0x00091001, IMPLICIT_ITEM + DELIMITER, 0xFFFFFFFF)
        + unknown(0x00100010, b"Doe ")
        + unknown(0x00129999, b"??")
        + unknown(0x00280010, b"\x02\x01")
    )
    assert shown(raw_file(body)) == {
        "0008,1110": [{"0010,0020": "P-1"}],
        "0008,1111": None,
        "0008,1115": [{"0010,0020": "P-1"}],
        "0009,1001": [{"0010,0020": "P-1"}],
        "0010,0010": "Doe",
        "0012,9999": None,
        "0028,0010": "258",
    }


def test_group_lengths_are_shown_where_the_file_has_them() -> None:
    length = struct.pack("<HH2sHI", 0x0010, 0, b"UL", 4, 12)
    assert shown(raw_file(length), TagsForm.FULL) == {
        "0010,0000": {"Name": "GenericGroupLength", "Type": "String", "Value": "12"}
    }


class FarSource:
    """A source that answers with what was asked for, and counts the bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.size = len(raw)
        self.read_bytes = 0

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        found = self._raw[start : start + length]
        self.read_bytes += len(found)
        return found, start

    def read(self, start: int, stop: int) -> bytes:
        return self._raw[start:stop]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGBaseline8Bit], ids=["native", "encapsulated"])
def test_what_stands_behind_the_pixel_data_is_shown_when_asked_and_pixels_are_not_read(syntax: str) -> None:
    pixels = bytes(3_000_000)
    dataset = elements(
        ("PatientName", "PN", "Doe"), (0xFFFCFFFC, "OB", b"padding!"), (0xFFFCFFFE, "LO", "end")
    )
    dataset.add_new(0x7FE00010, "OB", encapsulate([pixels]) if syntax == JPEGBaseline8Bit else pixels)
    dataset[0x7FE00010].is_undefined_length = syntax == JPEGBaseline8Bit
    raw = file_of(dataset, syntax)
    front: dict[str, Json] = {"0010,0010": "Doe", "7fe0,0010": None}
    for whole, expected in ((False, front), (True, front | {"fffc,fffc": None, "fffc,fffe": "end"})):
        source = FarSource(raw)
        found = dataset_json(source, form=TagsForm.SHORT, default_encoding="Latin1", whole=whole)
        assert found == expected == shown(raw, whole=whole)
        assert source.read_bytes < 2_000_000


def nested(depth: int, *, undefined: bool, explicit: bool = True) -> bytes:
    tag = struct.pack("<HH", 0x0008, 0x1140) + (b"SQ\0\0" if explicit else b"")
    body = b""
    for _ in range(depth):
        if undefined:
            body = tag + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4 + body
            continue
        body = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(body)) + body
        body = tag + struct.pack("<I", len(body)) + body
    ends = b"\xfe\xff\x0d\xe0\0\0\0\0" + DELIMITER
    return body + (ends * depth if undefined else b"")


@pytest.mark.parametrize("undefined", [False, True])
def test_64_levels_are_shown_and_no_more(undefined: bool) -> None:  # noqa: FBT001
    found: Any = shown(raw_file(nested(64, undefined=undefined)))
    for _ in range(64):
        found = found["0008,1140"][0]
    assert found == {}
    for depth in (65, 10_000):
        with pytest.raises(BadFileFormatError, match="nested too deeply"):
            shown(raw_file(nested(depth, undefined=undefined)))


def short_file(syntax: str = ExplicitVRLittleEndian) -> bytes:
    items = Sequence([elements(("PatientName", "PN", "Doe"), ("Rows", "US", 3))])
    items[0].is_undefined_length_sequence_item = True
    dataset = elements(
        ("ReferencedStudySequence", "SQ", items), ("PatientID", "LO", "1"), ("TextValue", "UT", "x")
    )
    dataset[0x00081110].is_undefined_length = True
    return file_of(dataset, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES[:3], ids=lambda syntax: syntax.name)
def test_a_file_cut_off_anywhere_is_refused_or_shows_whole_elements(syntax: str) -> None:
    raw = short_file(syntax)
    expected = shown(raw)
    for size in range(len(raw)):
        try:
            found = shown(raw[:size])
        except BadFileFormatError:
            continue
        assert found.items() <= expected.items()


@given(st.integers(min_value=132), st.binary(min_size=1, max_size=8))
def test_damaged_files_are_refused_or_shown(at: int, damage: bytes) -> None:
    raw = bytearray(short_file())
    at %= len(raw)
    raw[at : at + len(damage)] = damage
    try:
        shown(bytes(raw), TagsForm.FULL, whole=True)
    except BadFileFormatError:
        return


def test_more_elements_than_memory_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.dicom.dataset_json._MOST_ELEMENTS", 10)
    element = struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 0)
    assert shown(raw_file(element * 10)) == {"0010,0020": ""}
    with pytest.raises(BadFileFormatError, match="too many"):
        shown(raw_file(element * 11))
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 10
    with pytest.raises(BadFileFormatError, match="too many"):
        shown(raw_file(struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(items)) + items))


@pytest.mark.parametrize("raw", [b"", b"{}", b"x" * 1000, bytes(128) + b"DICM"])
def test_what_is_no_dicom_file_is_refused_or_empty(raw: bytes) -> None:
    try:
        assert shown(raw) == {}
    except BadFileFormatError:
        return
