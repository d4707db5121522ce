"""Where anonymization leaves Orthanc's way on purpose: copies in items of what Replace and Keep name."""

from __future__ import annotations

import pytest

from tests.dicom_factory import Element
from tests.support.edits import anonymized, modified
from tests.support.small_files import (
    BIRTH_DATE,
    FRAME_OF_REFERENCE,
    IMAGES,
    INSTANCE,
    NAME,
    NAMED,
    PATIENT_ID,
    SERIES,
    STUDY,
    STUDY_DATE,
    STUDY_DESCRIPTION,
    nested,
    small_file,
    value_of,
    values_of,
)


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
