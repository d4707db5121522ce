"""Where anonymization and modification leave Orthanc's way on purpose (docs/compatibility.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dicomorph import __version__
from dicomorph.deid.profiles import EDITIONS, profile
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, rich_file
from tests.support.edits import anonymized, modified
from tests.support.small_files import (
    CLASS,
    INSTANCE,
    NAME,
    PATIENT_ID,
    SEQUENCE,
    SERIES,
    STUDY,
    every,
    nested,
    small_file,
    tree_of,
    value_of,
    values_of,
)

ROOT = Path(__file__).parents[2]
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG]
FRAME_OF_REFERENCE, BIRTH_DATE, STUDY_DATE, STUDY_DESCRIPTION = 0x00200052, 0x00100030, 0x00080020, 0x00081030
IMAGES, REFERENCED_INSTANCE = 0x00081140, 0x00081155
CREATOR, PRIVATE, PRIVATE_SEQUENCE = 0x00090010, 0x00091001, 0x00091002
NAMED = Element(NAME, "PN", "Nested^Name")
# Two groups of curves, two of overlays; points, comments, subtypes and rows too.
GRAPHICS = [
    Element(0x50000005, "US", 2),
    Element(0x50002500, "LO", "curve label"),
    Element(0x501E3000, "OW", (1, 2)),
    Element(0x60000010, "US", 2),
    Element(0x60000022, "LO", "overlay description"),
    Element(0x60001500, "LO", "overlay label"),
    Element(0x60003000, "OW", (1, 2)),
    Element(0x601E0022, "LO", "another overlay"),
    Element(0x601E4000, "LT", "overlay comment"),
]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_curves_and_overlays_are_removed_at_every_depth_in_every_edition(edition: str, syntax: str) -> None:
    data = small_file(*GRAPHICS, nested(*GRAPHICS, depth=2), syntax=syntax)
    output = anonymized(data, DicomVersion=edition)
    assert all(len(every(data, element.tag)) == 2 for element in GRAPHICS)
    assert not any(every(output, element.tag) for element in GRAPHICS)
    assert b"overlay" not in output
    assert tree_of(modified(data)).keys() >= {element.tag for element in GRAPHICS}


def test_an_overlay_that_the_request_names_stays() -> None:
    data = small_file(*GRAPHICS, nested(*GRAPHICS))
    output = anonymized(data, Keep=["6000,0022"], Replace={"6000,1500": "new"})
    assert values_of(output, 0x60000022) == [b"overlay description"] * 2
    assert values_of(output, 0x60001500) == [b"new"]
    assert not every(output, 0x60003000)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True])
def test_no_nested_patient_name_stays_in_clear(edition: str, syntax: str, undefined: bool) -> None:  # noqa: FBT001
    data = small_file(nested(NAMED, depth=4, undefined=undefined), nested(NAMED, tag=IMAGES), syntax=syntax)
    bodies: list[dict[str, Any]] = [
        {},
        {"Replace": {"PatientName": "New"}},
        {"Remove": ["PatientName"]},
        {"Keep": ["0008,1250", "ReferencedImageSequence"]},
        {"Keep": ["0008,1250[0].0008,1250", "ReferencedImageSequence[1].PatientName"]},
        {"Replace": {"ReferencedImageSequence[0].PatientName": "Nobody"}},
        {"KeepPrivateTags": True},
    ]
    for body in bodies:
        output = anonymized(data, DicomVersion=edition, **body)
        assert set(values_of(output, NAME)) <= {b"", b"Anonymized1", b"New", b"Nobody"}, body


def test_a_nested_patient_name_stays_where_it_is_named() -> None:
    data = small_file(nested(NAMED, depth=2), nested(NAMED, tag=IMAGES))
    by_path = {"Keep": ["0008,1250[0].0008,1250[*].PatientName"]}
    assert values_of(anonymized(data, **by_path), NAME) == [b"Anonymized1", b"", b"Nested^Name"]
    by_tag = {"Keep": ["PatientName"]}
    assert values_of(anonymized(data, **by_tag), NAME) == [b"Original^Name", b"Nested^Name", b"Nested^Name"]
    with_subtree = {"Keep": ["0008,1250", "0008,1250[0].0008,1250[0].PatientName"]}
    assert values_of(anonymized(data, **with_subtree), NAME) == [b"Anonymized1", b"", b"Nested^Name"]


def test_replace_leaves_nested_copies_to_the_profile() -> None:
    copies = [Element(BIRTH_DATE, "DA", "19700101"), Element(STUDY_DESCRIPTION, "LO", "Nested")]
    data = small_file(*copies, nested(NAMED, *copies))
    body = {"PatientBirthDate": "20000101", "StudyDescription": "New", "PatientName": "New"}
    output = anonymized(data, Replace=body)
    assert values_of(output, BIRTH_DATE) == [b"20000101", b""]
    assert values_of(output, STUDY_DESCRIPTION) == [b"New"]
    assert values_of(output, NAME) == [b"New", b""]
    assert values_of(modified(data, Replace=body), BIRTH_DATE) == [b"20000101", b"19700101"]


@pytest.mark.parametrize(
    ("tag", "keyword", "equal", "other"),
    [
        (PATIENT_ID, "PatientID", b"PID", b"OTHER"),
        (STUDY, "StudyInstanceUID", b"1.2", b"1.9"),
        (SERIES, "SeriesInstanceUID", b"1.2.1", b"1.9"),
        (INSTANCE, "SOPInstanceUID", b"1.2.3", b"1.9"),
    ],
)
def test_a_nested_copy_of_a_replaced_identifier_follows_it(
    tag: int, keyword: str, equal: bytes, other: bytes
) -> None:
    vr = "LO" if tag == PATIENT_ID else "UI"
    data = small_file(nested(Element(tag, vr, equal + b" " * (len(equal) % 2)), tag=IMAGES))
    output = anonymized(data, Replace={keyword: "7.7"}, Force=True)
    assert values_of(output, tag) == [b"7.7", b"7.7"]
    data = small_file(nested(Element(tag, vr, other + b" " * (len(other) % 2)), tag=IMAGES))
    top, below = values_of(anonymized(data, Replace={keyword: "7.7"}, Force=True), tag)
    assert top == b"7.7"
    assert below not in {b"7.7", other, b""}, "mapped as everywhere in the job"


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize(("tag", "keyword"), [(PATIENT_ID, "PatientID"), (STUDY, "StudyInstanceUID")])
def test_an_empty_replacement_empties_nested_copies(tag: int, keyword: str, empty: str | None) -> None:
    copy = Element(tag, "LO" if tag == PATIENT_ID else "UI", "PID" if tag == PATIENT_ID else "1.2")
    output = anonymized(small_file(nested(copy, tag=IMAGES)), Replace={keyword: empty}, Force=True)
    assert values_of(output, tag) == [b"", b""]


def test_keep_of_a_leaf_keeps_it_at_every_depth() -> None:
    leaves = [
        Element(STUDY_DATE, "DA", "20200101"),
        Element(PATIENT_ID, "LO", "PID"),
        Element(FRAME_OF_REFERENCE, "UI", "1.2.9"),
    ]
    data = small_file(*leaves, nested(*leaves, depth=3))
    output = anonymized(data, Keep=["StudyDate", "PatientID", "FrameOfReferenceUID"], Force=True)
    for element in leaves:
        assert values_of(output, element.tag) == values_of(data, element.tag)


@pytest.mark.parametrize(
    ("tag", "keyword"),
    [(STUDY, "StudyInstanceUID"), (SERIES, "SeriesInstanceUID"), (INSTANCE, "SOPInstanceUID")],
)
def test_keep_of_an_instances_own_uid_keeps_it_at_the_top_level_only(tag: int, keyword: str) -> None:
    data = small_file(nested(Element(tag, "UI", "1.2.30")))
    kept, mapped = values_of(anonymized(data, Keep=[keyword], Force=True), tag)
    assert kept == value_of(data, tag)
    assert mapped.startswith(b"2.25.")


SUBTREE = [
    Element(STUDY_DATE, "DA", "20200101"),
    Element(REFERENCED_INSTANCE, "UI", "1.2.30"),
    Element(CREATOR, "LO", "ACME"),
    Element(PRIVATE, "LO", "private"),
    Element(PATIENT_ID, "LO", "PID"),
]


@pytest.mark.parametrize("keep", ["0008,1250", "0008,1250[*].0008,1250", "0008,1250[0].0008,1250"])
def test_keep_of_a_sequence_keeps_its_subtree_but_for_names(keep: str) -> None:
    data = small_file(nested(*SUBTREE, NAMED, depth=3), nested(*SUBTREE, NAMED, tag=IMAGES))
    output = anonymized(data, Keep=[keep])
    before, after = tree_of(data)[SEQUENCE], tree_of(output)[SEQUENCE]
    for _ in range(2):
        (before,), (after,) = ([item[SEQUENCE] for item in node.items or []] for node in (before, after))
    (inner,), (kept) = before.items or [], (after.items or [])[0]
    assert {tag for tag in inner if inner[tag] != kept[tag]} == {NAME}
    assert kept[NAME].value == b""
    (other,) = tree_of(output)[IMAGES].items or []
    assert sorted(other) == [STUDY_DATE, REFERENCED_INSTANCE, NAME, PATIENT_ID]
    assert not {other[tag].value for tag in other} & {element.value for element in SUBTREE}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_private_tags_are_removed_at_every_depth(syntax: str) -> None:
    private = [Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    data = small_file(*private, nested(*private, depth=4), syntax=syntax)
    for output in (anonymized(data), modified(data, RemovePrivateTags=True)):
        assert not every(output, CREATOR) + every(output, PRIVATE)
    for output in (anonymized(data, KeepPrivateTags=True), modified(data)):
        assert values_of(output, PRIVATE) == [b"private"] * 2


@pytest.mark.parametrize(
    "keep", ["0008,1250", "0008,1250[0].0008,1250", "0008,1250[*].0008,1250[0].0009,1001"]
)
def test_private_tags_in_a_kept_subtree_stay(keep: str) -> None:
    private = [Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    data = small_file(*private, nested(*private, depth=2), nested(*private, tag=IMAGES))
    for output in (anonymized(data, Keep=[keep]), modified(data, Keep=[keep], RemovePrivateTags=True)):
        assert values_of(output, PRIVATE) == [b"private"]


def test_a_private_leaf_is_kept_where_it_was_named_and_no_deeper() -> None:
    private = [Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    output = anonymized(small_file(*private, nested(*private)), Keep=["0009,1001"])
    assert values_of(output, PRIVATE) == [b"private"]
    assert not every(output, CREATOR), "as in Orthanc: it was not named"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_the_profile_reaches_into_private_sequences(syntax: str, unknown: bool, undefined: bool) -> None:  # noqa: FBT001
    inside = [
        Element(INSTANCE, "UI", "1.2.3"),
        Element(STUDY_DATE, "DA", "20200101"),
        Element(PRIVATE, "LO", "private"),
        NAMED,
        Element(PATIENT_ID, "LO", "PID"),
    ]
    sequence = Element(PRIVATE_SEQUENCE, "SQ", [inside], undefined=undefined, unknown=unknown)
    data = small_file(Element(CREATOR, "LO", "ACME"), sequence, nested(sequence), syntax=syntax)
    output = anonymized(data, KeepPrivateTags=True)
    assert values_of(output, NAME) == [b"Anonymized1", b"", b""]
    assert set(values_of(output, PATIENT_ID)) == {value_of(output, PATIENT_ID)}
    assert set(values_of(output, INSTANCE)) == {value_of(output, INSTANCE)}
    assert values_of(output, STUDY_DATE) == [b"", b""]
    assert values_of(output, PRIVATE) == [b"private"] * 2
    named = anonymized(data, Keep=["0009,1002"])
    assert values_of(named, NAME) == [b"Anonymized1", b""]
    assert values_of(named, PATIENT_ID)[1] == b"PID", "a private sequence that is named keeps the rest"


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


def test_every_difference_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text()
    section = page.split("## Differences in de-identification")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 10
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= defined, row
