"""Broken files as JSON: refused, or whole elements of them shown."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from dicomorph.dicom.views.dataset_json import TagsForm
from dicomorph.model.errors import BadFileFormatError
from tests.support.shown_elements import SYNTAXES, elements, file_of, raw_file, shown


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
    monkeypatch.setattr("dicomorph.dicom.views.dataset_json._MOST_ELEMENTS", 10)
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
