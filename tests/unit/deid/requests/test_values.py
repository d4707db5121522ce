"""Which replacement values a body may have (spec 3.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.parsed_requests import code_of, parsed


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        ("PatientName", 3, 5),
        ("PatientName", True, 5),
        ("PatientName", {"a": "b"}, 5),
        ("PatientName", ["a"], 5),
        ("InstanceNumber", 3, 5),
        ("SOPClassUID", None, 5),
        ("ContentSequence", "text", 15),
        ("ContentSequence", {}, 5),
        ("ContentSequence", ["text"], 5),
        ("ContentSequence", [1], 5),
        ("ContentSequence", [{"Nope": "x"}], 27),
        ("ContentSequence", [{"ContentSequence[0].PatientName": "x"}], 27),
        ("ContentSequence", [{"PatientName": 1}], 5),
        ("ContentSequence", [{"ContentSequence": [{"Rows": "x"}]}], 15),
        ("ContentSequence[0].Rows", "x", 15),
        ("Rows", "70000", 15),
        ("Rows", "abc", 15),
        ("Rows", "1.5", 15),
        ("SmallestImagePixelValue", "-40000", 15),
        ("FrameIncrementPointer", "Nope", 27),
        ("PixelData", "odd", 3),
        ("PatientName", "data:application/octet-stream;base64,!!!", 15),
    ],
)
def test_values_that_cannot_be_cast_are_refused(tag: str, value: object, code: int) -> None:
    assert code_of({"Replace": {tag: value}}) == code


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("PatientName", ""),
        ("PatientName", None),
        ("InstanceNumber", "3"),
        ("StudyDate", "notadate"),
        ("PatientID[0].Rows", "1"),
        ("ContentSequence", []),
        ("ContentSequence", None),
        ("ContentSequence", [[], {}, {"PatientName": "x", "ContentSequence": [{"Rows": "1\\2"}]}]),
        ("Rows", "-1"),
        ("FrameIncrementPointer", "FrameTime\\0010,0010"),
        ("0008,9999", "unknown"),
        ("0009,1001", "private"),
        ("0002,0016", "ignored"),
        ("0010,0000", "ignored"),
    ],
)
def test_values_that_orthanc_takes_are_taken(tag: str, value: object) -> None:
    assert len(parsed({"Replace": {tag: value}}).replace) == 1


def test_what_a_path_writes_is_nested_64_levels_deep_at_most_all_told() -> None:
    value: Any = []
    for _ in range(60):
        value = [{"ContentSequence": value}]
    assert parsed({"Replace": {"ContentSequence[0]." * 3 + "ContentSequence": value}}).replace
    assert code_of({"Replace": {"ContentSequence[0]." * 4 + "ContentSequence": value}}) == 15
