"""Files of allow lists, and those that are shipped."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import (
    LARGEST_LIST,
    SHIPPED,
    read_allow_list,
    shipped_allow_list,
    unread_allow_list,
)
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.model.errors import BadFileFormatError, BadRequestError

ROWS = 0x00280010


@pytest.mark.parametrize("written", ["Rows", "0028,0010", "0028-0010", "00280010", "(0028,0010)"])
def test_attributes_are_named_by_keyword_or_tag(written: str) -> None:
    document = json.dumps({"Description": "What for", "Tags": [written, "Rows"]}).encode()
    assert read_allow_list("mine", document) == AllowList("mine", frozenset((ROWS,)))
    assert read_allow_list("mine", json.dumps([written]).encode()).tags == {ROWS}


def test_a_list_does_not_keep_the_name_and_the_identifier_of_the_patient() -> None:
    names = ["PatientName", "0010,0020", "PatientBirthDate", "Rows"]
    assert read_allow_list("mine", json.dumps(names).encode()).tags == {0x00100030, ROWS}


def test_a_list_may_be_empty() -> None:
    assert read_allow_list("none", b'{"Tags": []}') == AllowList("none", frozenset())


@pytest.mark.parametrize(
    "document",
    [
        *(None, 1, "Rows", {}, [1], [["Rows"]], ["Rows", "Row"]),
        *({"Tags": "Rows"}, {"Tags": None}, {"Tags": [1]}),
        *({"tags": ["Rows"]}, {"Tags": ["Rows"], "Description": 1}, {"Tags": ["Rows"], "Keep": []}),
        *({"Tags": [name]} for name in ("Row", "", "rows", "0028,001", "Rows.Columns", "Seq[*].Rows")),
        *({"Tags": [name]} for name in ("0009,1001", "0029,0010", "7fe1,1010")),  # private
        *({"Tags": [name]} for name in ("0002,0010", "TransferSyntaxUID", "0004,1220", "0000,0002")),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(document: Any) -> None:
    with pytest.raises(BadFileFormatError):
        read_allow_list("mine", json.dumps(document).encode())


@pytest.mark.parametrize(
    "document", [b"", b"\xff", b"{", b"[" * 100_000, b'{"Tags": []}' + b" " * LARGEST_LIST, b"\xff\xfe{\0}\0"]
)
def test_what_is_no_json_or_too_large_is_refused(document: bytes) -> None:
    with pytest.raises(BadFileFormatError):
        read_allow_list("mine", document)


@given(st.binary(max_size=40))
def test_whatever_stands_in_a_file_is_a_list_or_refused(document: bytes) -> None:
    with contextlib.suppress(BadFileFormatError):
        assert read_allow_list("mine", document).tags == frozenset()


def test_what_comes_with_the_software_needs_no_file() -> None:
    found = shipped_allow_list("research-images")
    assert (found.name,) == SHIPPED
    for keyword in ("ImagePositionPatient", "RepetitionTime", "KVP", "RadionuclideTotalDose", "PixelData"):
        assert read_allow_list("one", json.dumps({"Tags": [keyword]}).encode()).tags <= found.tags
    freely_typed = {"DA", "DT", "LT", "PN", "ST", "TM", "UC", "UR", "UT"}
    assert not {vr_of(tag) for tag in found.tags} & freely_typed
    with pytest.raises(BadRequestError):
        shipped_allow_list("other")


def test_a_list_that_is_not_read_has_a_name_all_the_same() -> None:
    assert unread_allow_list("mine") == AllowList("mine", frozenset())
    with pytest.raises(BadRequestError):
        unread_allow_list("../mine")
