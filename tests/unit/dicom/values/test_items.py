"""Replacement values that are sequences, and what their items hold."""

from __future__ import annotations

import pytest

from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, Encoding
from dicomorph.dicom.values.encoder import ValueEncoder, is_writable
from dicomorph.model.errors import BadFileFormatError, BadParameterTypeError
from dicomorph.model.resources import Json
from tests.support.written_values import DECLARED, ENCODINGS, LATIN, TAG, nested, read, written


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


def test_items_are_nested_64_levels_deep_at_most() -> None:
    tag = TAG("ReferencedImageSequence")
    ValueEncoder().check(tag, nested(63))
    ValueEncoder().check(tag, nested(60), depth=3)
    with pytest.raises(BadFileFormatError):
        ValueEncoder().check(tag, nested(61), depth=3)


def test_an_item_may_declare_a_character_set_of_its_own() -> None:
    value: Json = [{"PatientName": "é", "SpecificCharacterSet": "ISO_IR 192"}, {"PatientName": "é"}]
    raw = ValueEncoder().element(TAG("ReferencedStudySequence"), value, EXPLICIT_LITTLE, LATIN)
    first, second = read(raw)[TAG("ReferencedStudySequence")].value
    assert first["PatientName"].value.original_string == "é".encode()
    assert second["PatientName"].value.original_string == b"\xe9"
