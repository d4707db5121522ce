"""Where anonymization leaves Orthanc's way on purpose: the container, signatures, and the mark."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph import __version__
from dicomorph.deid.editions.profiles import EDITIONS, profile
from tests.compat.data_sets import read_file
from tests.dicom_factory import SYNTAXES, Element, rich_file
from tests.support.edits import anonymized, modified
from tests.support.small_files import CLASS, NAMED, every, nested, small_file, tree_of, value_of, values_of

SIGNATURES = (0x04000402, 0x04000403, 0x04000550, 0x04000561, 0x4FFE0001, 0xFFFAFFFA)
DICOMDIR_RECORD = [Element(0x00041130, "CS", "DOE^JOHN"), Element(0x00041511, "UI", "1.2.3")]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_nothing_of_the_container_and_no_signature_survives(edition: str, syntax: str) -> None:
    signed = [Element(tag, "SQ", [[NAMED, Element(0x04000100, "UI", "1.2.8")]]) for tag in SIGNATURES]
    padding = Element(0xFFFCFFFC, "OB", b"DOE^JOHN")
    elements = [*DICOMDIR_RECORD, *signed, padding]
    data = small_file(
        *elements, nested(*elements, depth=2), syntax=syntax, preamble=b"II*\0" + b"DOE^JOHN" * 15 + b"\0" * 4
    )
    output = anonymized(data, DicomVersion=edition)
    assert b"DOE^JOHN" not in output
    assert not any(every(output, element.tag) for element in elements)
    file = read_file(output)
    assert file.preamble == bytes(128)
    group, element = 0x00020000, (0x00, 0x01, 0x02, 0x03, 0x10, 0x12, 0x13)
    assert sorted(file.meta) == [group | number for number in element], "no AE titles, no private information"


def test_a_modification_renews_the_container_and_leaves_signatures_to_the_caller() -> None:
    signature = Element(0xFFFAFFFA, "SQ", [[Element(0x04000100, "UI", "1.2.8")]])
    data = small_file(*DICOMDIR_RECORD, signature, preamble=b"II*\0" + b"DOE^JOHN" * 15 + b"\0" * 4)
    output = modified(data, Replace={"PatientName": "New"})
    assert b"DOE^JOHN" not in output
    assert b"SENDER" not in output
    assert 0xFFFAFFFA in tree_of(output)
    assert not every(modified(data, Remove=["FFFA,FFFA"]), 0xFFFAFFFA)


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_mark_of_de_identification_names_this_software(edition: str) -> None:
    output = anonymized(rich_file(), DicomVersion=edition)
    method = f"Dicomorph {__version__} - PS 3.15-{edition} Table E.1-1"
    assert value_of(output, 0x00120063).decode() == method + (" Basic Profile" if edition != "2008" else "")
    assert len(profile(edition).method) + len(f"Dicomorph {__version__} - ") <= 64, "LO has 64 characters"
    assert value_of(output, 0x00120062) == b"YES"
    assert b"Orthanc" not in output


@pytest.mark.parametrize(
    "body",
    [
        {"Keep": ["Modality"]},
        {"Remove": ["Modality"]},
        {"Replace": {"Modality": "MR"}},
        {"Keep": ["0008,1250[0].Modality"]},
        {"KeepPrivateTags": True},
    ],
)
def test_the_mark_names_no_edition_that_the_request_departs_from(body: dict[str, Any]) -> None:
    assert value_of(anonymized(rich_file(), **body), 0x00120063).decode() == f"Dicomorph {__version__}"


def test_marks_that_the_request_names_are_its_own() -> None:
    data = small_file(Element(0x00120062, "CS", "NO"), Element(0x00120063, "LO", "old"))
    assert values_of(anonymized(data, Keep=["0012,0062", "0012,0063"]), 0x00120062) == [b"NO"]
    assert values_of(anonymized(data, Remove=["0012,0063"]), 0x00120063) == []
    assert values_of(anonymized(data, Replace={"0012,0063": "mine"}), 0x00120063) == [b"mine"]
    assert CLASS in tree_of(anonymized(data))
