"""Broken files as JSON: refused, or whole elements of them shown."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import BadFileFormatError, InexistentTagError
from tests.support.shown_elements import SYNTAXES, elements, file_of, raw_file, shown


def short_file(syntax: str = ExplicitVRLittleEndian) -> bytes:
    items = Sequence([elements(("PatientName", "PN", "Doe"), ("Rows", "US", 3))])
    items[0].is_undefined_length_sequence_item = True
    dataset = elements(
        ("SOPInstanceUID", "UI", "1.3"),
        ("ReferencedStudySequence", "SQ", items),
        ("PatientID", "LO", "1"),
        ("StudyInstanceUID", "UI", "1.1"),
        ("SeriesInstanceUID", "UI", "1.2"),
        ("TextValue", "UT", "x"),
        ("DataSetTrailingPadding", "OB", b"ab"),
    )
    dataset[0x00081110].is_undefined_length = True
    return file_of(dataset, syntax)


def is_stored(raw: bytes) -> bool:
    """Tell whether an upload finds nothing wrong."""
    try:
        describe(BufferSource(raw), default_encoding="Latin1")
    except (BadFileFormatError, InexistentTagError):
        return False
    return True


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
def test_damaged_files_that_can_be_stored_are_shown(at: int, damage: bytes) -> None:
    raw = bytearray(short_file())
    at %= len(raw)
    raw[at : at + len(damage)] = damage
    for whole in (False, True):
        try:
            shown(bytes(raw), TagsForm.FULL, whole=whole)
        except BadFileFormatError:
            assert not is_stored(bytes(raw))


def test_more_elements_than_memory_allows_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.dicom.views.tags_view._MOST_ELEMENTS", 10)
    elements = [struct.pack("<HH2sH", 0x0010, number, b"LO", 0) for number in range(0x20, 0x2B)]
    behind = struct.pack("<HH2sH", 0x0010, 0x0030, b"DA", 0)
    assert len(shown(raw_file(b"".join(elements[:9]) + behind))) == 10
    found = shown(raw_file(b"".join(elements) + behind))
    assert (len(found), found["0010,002a"]) == (11, None)
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 10
    many = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(items)) + items
    assert shown(raw_file(many + behind)) == {"0008,1140": None}


_ITEM, _ITEM_END, _END = (
    struct.pack("<HHI", 0xFFFE, *rest) for rest in ((0xE000, 0), (0xE00D, 0), (0xE0DD, 0))
)
_DAMAGED = {
    "no item": b"no items",
    "a short header": _ITEM + b"\x08\x00",
    "an item that is too long": struct.pack("<HHI", 0xFFFE, 0xE000, 99) + b"\x08\x00\x05\x00CS\0\0",
    "an item that has no end": struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + b"\x08\x00\x05\x00CS\0\0",
    "a delimiter without a sequence": _ITEM + _ITEM_END,
    "an element that is too long": struct.pack("<HHI", 0xFFFE, 0xE000, 8) + b"\x08\x00\x05\x00CS\xff\0",
    "no VR": struct.pack("<HHI", 0xFFFE, 0xE000, 8) + b"\x08\x00\x05\x00ZZ\0\0",
    "a sequence that has no end": struct.pack("<HHI", 0xFFFE, 0xE000, 12)
    + struct.pack("<HH2sHI", 0x0008, 0x1115, b"SQ", 0, 0xFFFFFFFF),
}


def around(raw: bytes, layers: str) -> bytes:
    """Return a top-level sequence around another one's items, by its layers from the inside outwards.

    `s` and `S` are a sequence of defined and of undefined length, `i` and `I` an item.
    """
    for layer in layers:
        length = len(raw) if layer.islower() else 0xFFFFFFFF
        if layer in "sS":
            head, end = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, length), _END
        else:
            head, end = struct.pack("<HHI", 0xFFFE, 0xE000, length), _ITEM_END
        raw = head + raw + (b"" if layer.islower() else end)
    return raw


@pytest.mark.parametrize("damage", _DAMAGED.values(), ids=_DAMAGED)
@pytest.mark.parametrize("layers", ["s", "sis", "sIs", "siS", "sIS", "sISiS", "sIsIS", "siSIS", "sISIS"])
def test_a_damaged_sequence_is_null_and_all_around_it_is_shown(damage: bytes, layers: str) -> None:
    raw = around(damage, layers) + struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 2) + b"ID"
    found: Any = shown(raw_file(raw), TagsForm.SHORT)
    assert found["0010,0020"] == "ID"
    for _ in layers.upper().replace("I", "")[1:]:
        [found] = found["0008,1140"]
    assert found["0008,1140"] is None
    assert shown(raw_file(raw))["0010,0020"] == "ID"


@pytest.mark.parametrize("tail", [b"trailing text", b"\x08\x00", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xff" * 9])
@pytest.mark.parametrize("whole", [False, True])
def test_what_follows_the_pixel_data_and_is_no_element_is_left_out(tail: bytes, whole: bool) -> None:  # noqa: FBT001
    native = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 4) + b"1234"
    fragments = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + _ITEM + _END
    for pixels in (native, fragments, fragments[:-4], fragments[:14]):
        assert shown(raw_file(pixels + tail), whole=whole) == {"7fe0,0010": None}
    behind = struct.pack("<HH2sH", 0x7FE1, 0x0010, b"LO", 99) + tail
    assert shown(raw_file(behind), whole=whole) == {}


@pytest.mark.parametrize("raw", [b"", b"{}", b"x" * 1000, bytes(128) + b"DICM"])
def test_what_is_no_dicom_file_is_refused_or_empty(raw: bytes) -> None:
    try:
        assert shown(raw) == {}
    except BadFileFormatError:
        return
