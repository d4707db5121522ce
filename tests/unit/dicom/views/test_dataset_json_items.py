"""Sequences as JSON: their character sets, their depth, and those sent as UN."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicomorph.model.errors import BadFileFormatError
from tests.support.shown_elements import SYNTAXES, elements, file_of, raw_file, shown


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
    for depth in (65, 66, 10_000):
        if undefined:  # it cannot be stored
            with pytest.raises(BadFileFormatError, match="nested too deeply"):
                shown(raw_file(nested(depth, undefined=undefined)))
            continue
        found = shown(raw_file(nested(depth, undefined=undefined)))
        for _ in range(64):
            found = found["0008,1140"][0]
        assert found == {"0008,1140": None}
